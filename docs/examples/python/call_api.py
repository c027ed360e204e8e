"""Asks the token broker for a user's token and calls the provider's API with it.

usage: call_api.py BROKER TENANT PROVIDER USER URL

BROKER is host:port. The contract is read from TOKEN_BROKER_PROTO, the directory `proto` of the project. For a broker
that wants to know its callers, use grpc.secure_channel; see docs/authentication.md.
"""

import os
import sys
import urllib.error
import urllib.request

import grpc

sys.path.insert(0, os.environ["TOKEN_BROKER_PROTO"])
MESSAGES, SERVICES = grpc.protos_and_services("tokenbroker/v1/token_service.proto")

# A call waits for a refresh at most this long, in seconds.
DEADLINE = 35


def call_api(url, token):
    """The status of a GET with exactly the headers that the broker said."""
    request = urllib.request.Request(url, headers=dict(token.headers))
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def main(broker, tenant, provider, user, url):
    with grpc.insecure_channel(broker) as channel:
        tokens = SERVICES.TokenServiceStub(channel)
        key = {"tenant_id": tenant, "provider": provider, "user_id": user}
        ask = MESSAGES.GetAccessTokenRequest(purpose="example", **key)
        token = tokens.GetAccessToken(ask, timeout=DEADLINE)
        status = call_api(url, token)
        if status == 401:
            # The provider took the token back early. Say so, once, and go on with what the broker answers.
            report = MESSAGES.ReportRejectedTokenRequest(
                key=key, generation=token.generation, http_status=status
            )
            token = tokens.ReportRejectedToken(report, timeout=DEADLINE).token
            status = call_api(url, token)
        print(f"{status} with generation {token.generation}")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
