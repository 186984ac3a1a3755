// A provider of OpenID Connect for tests: `node openid.mjs PACKAGES PORT CLIENTS`, on the loopback interface.
//
// PACKAGES is the folder with `node_modules`, CLIENTS is JSON as the package has it. A consent needs a browser, so
// `POST /consent` of a client's id gives the refresh token that the client would have got for one.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, port, clients] = process.argv.slice(2);
const resolve = createRequire(`${packages}/`).resolve;
const { default: Provider } = await import(pathToFileURL(resolve("oidc-provider")));

const scopes = "openid offline_access";
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: JSON.parse(clients),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
});

async function consent(clientId) {
  const accountId = "alice";
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scopes);
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    accountId, client, grantId, scope: scopes, gty: "authorization_code", rotations: 0,
    iiat: Math.floor(Date.now() / 1000),
  });
  return token.save();
}

provider.use(async (context, next) => {
  if (context.method !== "POST" || context.path !== "/consent") return next();
  context.body = { refresh_token: await consent(context.query.client_id) };
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`listening on ${port}`));
