// Asks the token broker for a user's token and calls the provider's API with it.
//
// usage: node call_api.mjs BROKER TENANT PROVIDER USER URL
//
// BROKER is host:port. The contract is read from the directories in TOKEN_BROKER_PROTO, parted by a colon: `proto` and
// `crates/broker-proto/third_party/googleapis` of the project. For a broker that wants to know its callers, use
// grpc.credentials.createSsl; see docs/authentication.md.
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import process from 'node:process';

// A call waits for a refresh at most this long.
const DEADLINE_MS = 35_000;

const definition = loader.loadSync('tokenbroker/v1/token_service.proto', {
  includeDirs: process.env.TOKEN_BROKER_PROTO.split(':'),
  keepCase: true,
  longs: String,
});
const { TokenService } = grpc.loadPackageDefinition(definition).tokenbroker.v1;

// One call as a promise.
const call = (client, method, request) => new Promise((resolve, reject) => {
  const deadline = Date.now() + DEADLINE_MS;
  client[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
});

// The status of a GET with exactly the headers that the broker said.
const callApi = async (url, token) => {
  const answer = await fetch(url, { headers: token.headers, signal: AbortSignal.timeout(30_000) });
  await answer.arrayBuffer();
  return answer.status;
};

async function main(broker, tenant_id, provider, user_id, url) {
  const client = new TokenService(broker, grpc.credentials.createInsecure());
  const key = { tenant_id, provider, user_id };
  try {
    let token = await call(client, 'GetAccessToken', { ...key, purpose: 'example' });
    let status = await callApi(url, token);
    if (status === 401) {
      // The provider took the token back early. Say so, once, and go on with what the broker answers.
      const report = { key, generation: token.generation, http_status: status };
      ({ token } = await call(client, 'ReportRejectedToken', report));
      status = await callApi(url, token);
    }
    console.log(`${status} with generation ${token.generation}`);
  } finally {
    client.close();
  }
}

if (process.argv.length !== 7) {
  console.error('usage: node call_api.mjs BROKER TENANT PROVIDER USER URL');
  process.exit(2);
}
main(...process.argv.slice(2)).catch((error) => {
  console.error(`${grpc.status[error.code] ?? error.name}: ${error.details ?? error.message}`);
  process.exitCode = 1;
});
