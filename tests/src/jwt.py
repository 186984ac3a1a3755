"""Signs and verifies JSON Web Tokens as a consumer does, with PyJWT and nothing of ours.

Reads {"signers": [{"key", "kid", "alg"}], "verifiers": [a JWK set as text]} and prints for each verifier which
signers' tokens it accepts.
"""

import json
import sys

import jwt

CLAIMS = {"sub": "somebody", "scope": "read"}


def token(signer):
    return jwt.encode(CLAIMS, signer["key"], algorithm=signer["alg"], headers={"kid": signer["kid"]})


def accepts(key_set, token):
    try:
        key = jwt.PyJWKSet.from_json(key_set)[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, key, algorithms=[key.algorithm_name]) == CLAIMS
    except (KeyError, jwt.InvalidSignatureError):
        return False


request = json.load(sys.stdin)
tokens = [token(signer) for signer in request["signers"]]
print(json.dumps([[accepts(key_set, token) for token in tokens] for key_set in request["verifiers"]]))
