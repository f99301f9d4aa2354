import { generateKeyPairSync } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";

/** A real OpenID issuer on this machine. */
export interface OidcIssuer {
  readonly issuer: string;
  /** Requests by path so far. */
  readonly asked: Map<string, number>;
  /** A token for `audience`, signed by the newest key, as its token endpoint gives it to a client. */
  token(audience: string): Promise<string>;
  /** From now on it signs by another key, and publishes that with those before it. */
  rotate(): void;
  /** Gives its keys no sooner than so long after it was asked, ms. */
  slowMs: number;
  /** Stops answering, or answers again at the same address. */
  setDown(down: boolean): Promise<void>;
  close(): Promise<void>;
}

interface Jwk extends Record<string, unknown> {
  readonly kid: string;
}

function newKey(kid: string): Jwk {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "ES256" };
}

const CLIENT = { client_id: "shop", client_secret: "s3cret" };

/** Starts one on a free port of `host`. */
export async function startOidcIssuer(host = "127.0.0.1"): Promise<OidcIssuer> {
  const asked = new Map<string, number>();
  let keys = [newKey("key-1")];
  let provider: Provider;
  const listen = (port: number) =>
    new Promise<Server>((resolve) => {
      const listening = createServer((request, response) => {
        const path = (request.url ?? "").split("?")[0]!;
        asked.set(path, (asked.get(path) ?? 0) + 1);
        const answer = () => provider.callback()(request, response);
        if (path === "/jwks" && made.slowMs > 0) setTimeout(answer, made.slowMs);
        else answer();
      });
      listening.listen(port, host, () => resolve(listening));
    });
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://${host}:${port}`;
  // Its keys are part of its configuration: with others it is another provider at the same address.
  const build = (): Provider =>
    new Provider(issuer, {
      jwks: { keys },
      clients: [{ ...CLIENT, grant_types: ["client_credentials"], redirect_uris: [], response_types: [] }],
      scopes: ["orders:read", "orders:write"],
      clientDefaults: { id_token_signed_response_alg: "ES256" },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_ctx: unknown, audience: string) => ({
            scope: "orders:read orders:write",
            audience,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: "ES256" } },
          }),
        },
      },
    });
  provider = build();
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  let isDown = false;
  const made: OidcIssuer = {
    issuer,
    asked,
    slowMs: 0,
    async token(audience) {
      const answer = await fetch(`${issuer}/token`, {
        method: "POST",
        headers: {
          authorization: `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString("base64")}`,
          "content-type": "application/x-www-form-urlencoded",
        },
        body: new URLSearchParams({
          grant_type: "client_credentials",
          resource: audience,
          scope: "orders:read orders:write",
        }),
      });
      const said = (await answer.json()) as { readonly access_token?: string };
      if (said.access_token === undefined) throw new Error(`no token: ${answer.status} ${JSON.stringify(said)}`);
      return said.access_token;
    },
    rotate() {
      keys = [newKey(`key-${keys.length + 1}`), ...keys];
      provider = build();
    },
    async setDown(down) {
      if (down === isDown) return;
      isDown = down;
      if (down) await close();
      else server = await listen(port);
    },
    close: async () => {
      if (!isDown) await close();
    },
  };
  return made;
}
