import { expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { decideHttp } from "../../../../src/bridge-proxy/http/head.ts";
import { leadRequest } from "../../../../src/bridge-proxy/http/lead.ts";
import type { RequestHead } from "../../../../src/codecs/http1/head.ts";
import { claimsStage } from "../../../support/claims-stage.ts";

function lead(which: "admin" | "guest" | "bad" | "young" | undefined) {
  const { config, stats, tokens, bringKey } = claimsStage();
  const token = which && `Bearer ${tokens[which]}`;
  const all = (name: string) => (name === "authorization" && token !== undefined ? [token] : []);
  const head = { method: "GET", target: "/", fields: { get: (name: string) => all(name)[0], all } };
  const said: string[] = [];
  const decision = decideHttp(config.routes.hostOf("com.acme.A")!, "GET");
  const asked = { decision, routes: config.routes, peer: peerFrom("10.0.0.1"), head: head as unknown as RequestHead };
  const stop = leadRequest({ nowMs: 0, authz: stats }, asked, ({ route, ruling }) =>
    said.push(ruling?.denial?.message ?? route?.name ?? "none"),
  );
  return { said, stop, stats, bringKey };
}

test("a request is led by its token's claims", () => {
  expect(lead("admin").said).toEqual(["admin"]);
  expect(lead("guest").said).toEqual(["rest"]);
  expect(lead(undefined).said).toEqual(["rest"]);
});

test("one with a token that is not good is refused before it has a route, and counted once", () => {
  const { said, stats } = lead("bad");
  expect(said).toEqual(["Jwt verification fails"]);
  expect(stats.counters.authzDenied).toBe(1);
});

test("one by a key that is not known is led when that came; nothing is led of one that gave up", () => {
  const { said, bringKey } = lead("young");
  expect(said).toEqual([]);
  bringKey();
  expect(said).toEqual(["admin"]);
  const gone = lead("young");
  gone.stop!();
  gone.bringKey();
  expect(gone.said).toEqual([]);
});
