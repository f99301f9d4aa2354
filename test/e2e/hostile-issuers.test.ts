import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MAX_KEYS, parseKeySet } from "../../src/codecs/key-set.ts";
import { KeySets } from "../../src/control/key-sets.ts";
import type { RequestAuthentication } from "../../src/model/rules/request-authentication.ts";
import { policiesOf } from "../support/policies.ts";
import { eventually } from "../support/process.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { keySet, signingKey } from "../support/tokens.ts";

// Servers that stand where an issuer's keys should be: what is fetched from them has bounds, leads nowhere else, and takes no longer than the rule says.
const TIMEOUT_MS = 1_000;
const key = signingKey();
const MANY = JSON.stringify({ keys: Array.from({ length: 10_000 }, (_, i) => ({ ...key.jwk, kid: `k${i}` })) });
const LARGE = `${keySet(key)}${" ".repeat(10 * 1024 * 1024)}`;
const BOMB = gzipSync(LARGE + LARGE);
const asked: string[] = [];
const opened: KeySets[] = [];
let server: Server;
let at: string;

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Sends a piece again and again, until nobody takes it. */
function pour(response: ServerResponse, piece: string, everyMs: number): void {
  const timer = setInterval(() => response.write(piece), everyMs);
  response.on("close", () => clearInterval(timer));
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/good": (response) => response.end(keySet(key)),
  "/redirects": (response) => response.writeHead(302, { location: "/good" }).end(),
  "/refuses": (response) => response.writeHead(500).end(keySet(key)),
  "/large": (response) => response.end(LARGE),
  "/bomb": (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(BOMB),
  "/pours": (response) => pour(response, " ".repeat(64 * 1024), 1),
  "/drips": (response) => pour(response, " ", 20),
  "/silent": () => {},
  "/many": (response) => response.end(MANY.slice(0, 1024 * 1024 - 200).replace(/,\{[^{]*$/, "]}")),
  "/hangs-up": (_, request) => request.socket.destroy(),
  "/page": (response) => response.end("<html>log in</html>"),
  "/.well-known/openid-configuration": (response) =>
    response.end(JSON.stringify({ issuer: at, jwks_uri: `${at}/redirects` })),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    (ANSWERS[request.url!] ?? ANSWERS["/page"]!)(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  for (const sets of opened) sets.close();
  server.closeAllConnections();
  server.close();
});

function fetching(place: string) {
  const { logger, lines } = recordingLogger();
  const from = place === "" ? "" : `, jwksUri: "${at}${place}"`;
  const rules = policiesOf(
    `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: r}\nspec: {jwtRules: [{issuer: "${at}"${from}, timeout: ${TIMEOUT_MS}ms}]}\n`,
  );
  const sets = new KeySets({ log: logger, onChange: () => {} });
  opened.push(sets);
  const keys = () => (sets.fill(rules)[0] as RequestAuthentication).jwtRules[0]!.jwks;
  keys();
  return { keys, lines };
}

test.concurrent.each([
  ["leads elsewhere", "/redirects", /redirect/],
  ["leads elsewhere by its document", "", /redirect/],
  ["answers with a fault", "/refuses", /status 500/],
  ["sends ten megabytes", "/large", /over the limit of 1048576 bytes/],
  ["sends what becomes twenty megabytes", "/bomb", /over the limit|timeout/],
  ["does not end", "/pours", /over the limit|timeout/],
  ["sends a byte now and then", "/drips", /timeout/],
  ["says nothing", "/silent", /timeout/],
  ["hangs up", "/hangs-up", /fetch failed: \w/],
  ["has no keys", "/page", /no JSON Web Key Set/],
])("an issuer that %s has no keys, and that is said", async (_name, place, why) => {
  const sinceMs = performance.now();
  const { keys, lines } = fetching(place);
  await eventually("it is given up", () => lines.length > 0);
  expect(performance.now() - sinceMs).toBeLessThan(TIMEOUT_MS + 2_000);
  expect(JSON.stringify(lines)).toMatch(why);
  expect(keys()).toBeUndefined();
});

test("one with thousands of keys is held to its first hundred", async () => {
  const { keys } = fetching("/many");
  await eventually("the keys came", () => keys() !== undefined);
  expect(parseKeySet(keys()!).length).toBe(MAX_KEYS);
});

test("one that answers well has its keys", async () => {
  const { keys } = fetching("/good");
  await eventually("the keys came", () => keys() !== undefined);
  expect(keys()).toBe(keySet(key));
  expect(asked.filter((path) => path === "/good").length).toBe(1);
});
