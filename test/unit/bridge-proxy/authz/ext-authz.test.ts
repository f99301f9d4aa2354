import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { silentLogger } from "../../../../src/base/log.ts";
import type { Denial } from "../../../../src/bridge-proxy/authz/asked.ts";
import { AuthzStats } from "../../../../src/bridge-proxy/authz/audit.ts";
import {
  type Asked,
  compileServer,
  ExtQuestion,
  type SendCheck,
} from "../../../../src/bridge-proxy/authz/ext-authz.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { Settled, Subject } from "../../../../src/bridge-proxy/authz/question.ts";
import type { ExtAuthz } from "../../../../src/codecs/xds/authz.ts";
import type { CheckAnswer } from "../../../../src/codecs/xds/ext-authz.ts";
import { decodeMessage } from "../../../../src/codecs/xds/resource-bytes.ts";
import { xdsMessage } from "../../../../src/codecs/xds/types.ts";

type Answer = CheckAnswer | { readonly failure: string };
const config: ExtAuthz = {
  grpcService: { envoyGrpc: { clusterName: "outbound|9000||authz" }, timeout: "0.500s" },
  transportApiVersion: "V3",
};
const subject: Subject = {
  header: (name) => (name === "user" ? "ann" : undefined),
  timeLeftMs: 200,
  text: {
    method: "POST",
    headers: new Map([
      ["user", "ann"],
      [":path", "/get?a=1&t=x"],
    ]),
    host: "orders",
    scheme: "http",
    query: "a=1&t=x",
    size: 3,
    protocol: "dubbo",
  },
};
const denial: Denial = { reason: "denied", message: "RBAC", policy: "d" };
const allowed = (more = {}): Answer => ({ allowed: true, headers: [], remove: [], answerHeaders: [], ...more });

interface Asking {
  readonly answer: Answer;
  readonly config?: Partial<ExtAuthz>;
  readonly settle?: Asked["settle"];
  readonly isTrial?: boolean;
  readonly header?: Subject["header"];
}

function ask({
  answer,
  config: more = {},
  settle = () => undefined,
  isTrial = false,
  header = subject.header,
}: Asking) {
  const stats = new AuthzStats(silentLogger, () => 0);
  const sent: { cluster: string; bytes: Uint8Array; timeoutMs: number }[] = [];
  const send: SendCheck = (cluster, bytes, timeoutMs, done) => {
    sent.push({ cluster, bytes, timeoutMs });
    done(answer);
    return () => {};
  };
  const facts = { peer: peerFrom("10.0.0.9"), path: "/com.acme.Orders/get" };
  const changes = { set: [["x-claim", "c"]] as const, add: [], remove: ["user", "?t"] };
  const server = compileServer({ ...config, ...more }, send);
  let settled: Settled | undefined;
  new ExtQuestion({ server, policy: "p", facts, changes, settle, stats, isTrial }).ask(
    { ...subject, header },
    (said) => {
      settled = said;
    },
  );
  return { settled, sent, counters: stats.counters };
}

test("a question goes to the provider's cluster, no longer than the caller waits, with what was changed before", () => {
  const { sent } = ask({ answer: allowed() });
  expect(sent).toMatchObject([{ cluster: "outbound|9000||authz", timeoutMs: 200 }]);
  expect(decodeMessage(xdsMessage("envoy.service.auth.v3.CheckRequest"), sent[0]!.bytes)).toMatchObject({
    attributes: {
      source: { address: { socketAddress: { address: "10.0.0.9" } } },
      request: {
        http: { path: "/com.acme.Orders/get?a=1", headers: { "x-claim": "c", ":path": "/get?a=1" }, query: "a=1" },
      },
    },
  });
});

test("a call that is let through has all changes, and other policies see them", () => {
  const answer = allowed({
    headers: [{ name: "x-user", value: "ann", append: false }],
    answerHeaders: [{ name: "x-checked", value: "1", append: false }],
  });
  const seen: (string | undefined)[] = [];
  const { settled } = ask({
    answer,
    settle: ({ header }) => {
      seen.push(header("x-user"), header("x-claim"), header("user"));
      return undefined;
    },
  });
  expect(seen).toEqual(["ann", "c", undefined]);
  expect(settled).toMatchObject({
    denial: undefined,
    changes: {
      set: [
        ["x-claim", "c"],
        ["x-user", "ann"],
      ],
    },
    answerChanges: { set: [["x-checked", "1"]] },
  });
  expect(ask({ answer, settle: () => denial }).settled).toEqual({ denial });
});

test("a server that adds to what can be read in two ways has the call denied", () => {
  const header = (name: string) => {
    throw new ProtocolError("http", `${name} stands there twice`, 0);
  };
  const headers = [{ name: "x-roles", value: "b", append: true }];
  expect(ask({ answer: allowed({ headers }), header }).settled?.denial?.reason).toBe("denied");
});

test("what cannot be read of a call that is only carried is denied", () => {
  const settle = () => {
    throw new ProtocolError("dubbo2", "only carried", 0);
  };
  expect(ask({ answer: allowed(), settle }).settled?.denial?.reason).toBe("denied");
});

test.each([
  [
    { allowed: false, http: 403, headers: [], body: "" },
    { reason: "denied", message: /access denied/, reply: { http: 403, body: "" } },
  ],
  [
    { allowed: false, http: 401, headers: [{ name: "www-authenticate", value: "B", append: false }], body: "log in" },
    {
      reason: "unauthenticated",
      message: /log in/,
      reply: { http: 401, body: "log in", headers: [["www-authenticate", "B"]] },
    },
  ],
] as const)("a denial in the server's words: %j", (answer, { message, ...rest }) => {
  const { settled, counters } = ask({ answer: answer as Answer });
  expect(settled?.denial).toMatchObject({ ...rest, policy: "p" });
  expect(settled?.denial?.message).toMatch(message);
  expect(counters).toMatchObject({ authzDenied: 1, extAuthzAsked: 1, extAuthzFailed: 0 });
});

test.each([
  ["403", {}, 403],
  ["the status that is configured", { statusOnError: { code: 503 } }, 503],
])("a server that gives no answer refuses by %s", (_name, more, http) => {
  const { settled, counters } = ask({ answer: { failure: "down" }, config: more });
  expect(settled?.denial?.reply?.http).toBe(http);
  expect(counters).toMatchObject({ authzDenied: 1, extAuthzFailed: 1 });
});

test("one that fails open lets through what other policies let through", () => {
  const open = { answer: { failure: "down" }, config: { failureModeAllow: true } };
  expect(ask(open).settled?.denial).toBeUndefined();
  expect(ask({ ...open, settle: () => denial }).settled).toEqual({ denial });
});

test.each([
  [allowed(), { dryRunCustomAllowed: 1, dryRunCustomDenied: 0 }],
  [{ allowed: false, http: 403, headers: [], body: "" } as Answer, { dryRunCustomAllowed: 0, dryRunCustomDenied: 1 }],
  [{ failure: "down" }, { dryRunCustomAllowed: 0, dryRunCustomDenied: 0, extAuthzFailed: 1 }],
])("on trial %j is only counted", (answer, counted) => {
  expect(ask({ answer, isTrial: true }).counters).toMatchObject({ authzDenied: 0, ...counted });
});
