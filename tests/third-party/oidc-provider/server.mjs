// An authorization server that others wrote (npm oidc-provider), with a person who approves everything.
//
// Prints {"port":N} once it listens. Besides the server's own endpoints:
//   GET /test/approve?url=U        walks a browser through login and consent at U, answers {"callback":URL}
//   GET /test/enter?url=U&code=C   enters the code of a device at U and approves, answers the last page's title
//   GET /test/abort?url=U&code=C   enters it and refuses
//   GET /test/polls?client=C       the errors that polls of C were answered (RFC 8628 section 3.5)
//   GET /test/replay?client=C      shows the first refresh token that C was given once more, as a thief would
//   GET /test/introspect?token=T   what introspection (RFC 7662) says of T
// Secrets are of this file only, and so is the server: it listens on a loopback address.
import { createServer } from 'node:http';
import { once } from 'node:events';
import Provider from 'oidc-provider';

const REDIRECT = 'https://product.example/callback';
// Characters that an encoder of RFC 6749 section 2.3.1 must get right.
const SECRETS = { basic: 'b%s: c+/=&secret', post: 'p%st +/=&secret' };
const FLOWS = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];

const client = (client_id, token_endpoint_auth_method) => ({
  client_id,
  client_secret: SECRETS[client_id],
  token_endpoint_auth_method,
  redirect_uris: [REDIRECT],
  grant_types: FLOWS,
  response_types: ['code'],
});

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address();
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    client('basic', 'client_secret_basic'),
    client('post', 'client_secret_post'),
    client('public', 'none'),
  ],
  scopes: ['openid', 'offline_access'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_, interaction) => `/test/interaction/${interaction.uid}` },
  cookies: { keys: ['only for tests'] },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
});

// Refresh tokens by client, in the order they were given.
const given = new Map();
provider.on('grant.success', (ctx) => {
  const { clientId } = ctx.oidc.client;
  given.set(clientId, [...(given.get(clientId) ?? []), ctx.body.refresh_token]);
});

// Errors of polls for devices by client.
const polls = new Map();
provider.on('grant.error', (ctx, error) => {
  const { client, params } = ctx.oidc;
  if (!client || !params?.device_code) return;
  polls.set(client.clientId, [...(polls.get(client.clientId) ?? []), error.error]);
});

async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: 'ada' } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

// A browser: keeps cookies, and follows redirects until one leads away from this server.
function browser() {
  const cookies = new Map();
  return async (url, form) => {
    let next = new URL(url);
    let body = form && new URLSearchParams(form);
    for (let step = 0; step < 20; step += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const method = body ? 'POST' : 'GET';
      const answer = await fetch(next, { method, body, redirect: 'manual', headers: { cookie } });
      for (const line of answer.headers.getSetCookie()) {
        const [pair] = line.split(';');
        const [name, ...value] = pair.split('=');
        cookies.set(name, value.join('='));
      }
      const location = answer.headers.get('location');
      if (!location) return { status: answer.status, page: await answer.text() };
      next = new URL(location, next);
      body = undefined;
      if (next.origin !== issuer) return { left: next.href };
    }
    throw new Error('too many redirects');
  };
}

async function approve(url) {
  const { left, status, page } = await browser()(url);
  if (!left) throw new Error(`${status} in place of a callback: ${page}`);
  return { callback: left };
}

// Where the form of a page leads, and what its fields hold.
function form(page) {
  const [, action] = page.match(/<form[^>]* action="([^"]*)"/) ?? [];
  if (!action) throw new Error(`no form: ${page}`);
  const attribute = (tag, name) => tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1] ?? '';
  const inputs = [...page.matchAll(/<input[^>]*>/g)].map(([tag]) => tag);
  const fields = Object.fromEntries(inputs.map((tag) => [attribute(tag, 'name'), attribute(tag, 'value')]));
  return { action, fields };
}

// Enters the code on the page for devices, then presses the button of that name, or the one that confirms.
async function enter(url, user_code, button) {
  const visit = browser();
  const entry = form((await visit(url)).page);
  const confirmation = form((await visit(entry.action, { ...entry.fields, user_code })).page);
  const pressed = button ? { [button]: 'yes' } : {};
  const { status, page } = await visit(confirmation.action, { ...confirmation.fields, ...pressed });
  return { status, title: page.match(/<title>([^<]*)/)?.[1] };
}

async function post(path, form, headers = {}) {
  const answer = await fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) });
  return { status: answer.status, ...(await answer.json()) };
}

// How a client shows who it is: in the header or in the form (RFC 6749 section 2.3.1). A thief has the secret too.
function shown(client_id) {
  const client_secret = SECRETS[client_id];
  if (client_id !== 'basic') return { form: { client_id, ...(client_secret && { client_secret }) } };
  const encoded = [client_id, client_secret].map((part) => new URLSearchParams({ part }).toString().slice('part='.length));
  return { headers: { authorization: `Basic ${btoa(encoded.join(':'))}` } };
}

const tools = {
  '/test/approve': (query) => approve(query.get('url')),
  '/test/enter': (query) => enter(query.get('url'), query.get('code')),
  '/test/abort': (query) => enter(query.get('url'), query.get('code'), 'abort'),
  '/test/polls': (query) => ({ errors: polls.get(query.get('client')) ?? [] }),
  '/test/replay': (query) => {
    const client_id = query.get('client');
    const { form, headers } = shown(client_id);
    const refresh_token = given.get(client_id)[0];
    return post('/token', { grant_type: 'refresh_token', refresh_token, ...form }, headers);
  },
  '/test/introspect': (query) => post('/token/introspection', {
    token: query.get('token'), client_id: 'post', client_secret: SECRETS.post,
  }),
};

const serve = provider.callback();
server.on('request', async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, issuer);
  try {
    if (pathname.startsWith('/test/interaction/')) return await interact(request, response);
    if (!tools[pathname]) return serve(request, response);
    const answer = JSON.stringify(await tools[pathname](searchParams));
    return response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  } catch (error) {
    console.error(error);
    return response.writeHead(500).end(String(error));
  }
});
console.log(JSON.stringify({ port }));
