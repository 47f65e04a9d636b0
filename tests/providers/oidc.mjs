// A certified OpenID Connect provider on a free port of 127.0.0.1, with its own forms for development.
//
// Usage: oidc.mjs MODULE LIFETIME CLIENT CONFIDENTIAL SECRET. It prints its issuer, then
// every secret that it gives out, each on a line, and ends with its standard input.

import { createServer } from "node:http";

// It warns of what is not for production.
console.info = console.warn = () => {};

const [module, lifetime, client, confidential, secret] = process.argv.slice(2);
const { Provider } = await import(module);

const server = createServer();
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;
const common = {
  application_type: "native",
  grant_types: ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
  response_types: ["code"],
  redirect_uris: ["http://127.0.0.1/oauth/callback"],
};
const provider = new Provider(issuer, {
  clients: [
    { ...common, client_id: client, token_endpoint_auth_method: "none" },
    { ...common, client_id: confidential, client_secret: secret, token_endpoint_auth_method: "client_secret_basic" },
  ],
  features: { deviceFlow: { enabled: true } },
  rotateRefreshToken: true,
  ttl: { IdToken: Number(lifetime), RefreshToken: 3600 },
});
provider.use(async (ctx, next) => {
  await next();
  const code = new URL(ctx.response.get("location") || "/", issuer).searchParams.get("code");
  const { id_token, access_token, refresh_token, device_code } = ctx.body ?? {};
  for (const secret of [code, id_token, access_token, refresh_token, device_code]) {
    if (secret) console.log(secret);
  }
});
server.on("request", provider.callback());
console.log(issuer);
process.stdin.resume().on("end", () => process.exit());
