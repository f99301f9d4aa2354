import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { Deciding } from "../../../../src/bridge-proxy/triple/deciding.ts";
import type { TripleLane } from "../../../../src/bridge-proxy/triple/lanes.ts";
import type { RequestContent } from "../../../../src/bridge-proxy/triple/request-content.ts";

function create(lane: Partial<TripleLane>, content: Partial<RequestContent> = {}) {
  const events: string[] = [];
  const held: { attempt: () => boolean; giveUp: () => void }[] = [];
  const context = {
    frameLimits: { maxBodyBytes: 10 },
    nowMs: 0,
    unknown: { hold: (call: (typeof held)[number]) => held.push(call) > 0 },
  } as unknown as ProxyContext;
  const state = { over: false, lane };
  const whole = { ended: false, release: () => {}, ...content } as unknown as RequestContent;
  const deciding = new Deciding(context, whole, () => state.lane as TripleLane, {
    get over() {
      return state.over;
    },
    lead: (_decision, route) => events.push(`lead ${route.name}`),
    refuse: ({ reason }) => events.push(`refuse ${reason}`),
  });
  return { deciding, events, held, state };
}

const route = { name: "r" } as TripleLane["route"];
const decided = { route, needsMessage: false } as Partial<TripleLane>;

test("a lane with a route decides at once", () => {
  const { deciding, events } = create(decided);
  deciding.start();
  expect([events, deciding.lane]).toEqual([["lead r"], decided]);
});

test("a call to an unknown service waits for a moment, in which it may become known", () => {
  const unknown = { refusal: { reason: "no_route", message: "", isUnknown: true } } as const;
  const { deciding, events, held, state } = create(unknown, { ended: true });
  deciding.start();
  expect([events, held[0]!.attempt()]).toEqual([[], false]);
  state.lane = decided;
  expect([held[0]!.attempt(), events]).toEqual([true, ["lead r"]]);
  const given = create(unknown);
  given.deciding.start();
  given.held[0]!.giveUp();
  expect(given.events).toEqual(["refuse no_route"]);
  const gone = create(unknown);
  gone.deciding.start();
  gone.state.over = true;
  gone.held[0]!.giveUp();
  expect([gone.held[0]!.attempt(), gone.events]).toEqual([true, []]);
});

test("any other refusal is said when the request has ended", () => {
  const refused = { refusal: { reason: "undecodable", message: "" } } as const;
  const { deciding, events } = create(refused, { ended: true });
  deciding.start();
  deciding.onMore();
  expect(events).toEqual(["refuse undecodable", "refuse undecodable"]);
});

test("a message that can never be read refuses the call; one that has not come is waited for", () => {
  const reads = { needsMessage: true, head: { encoding: "" } } as unknown as Partial<TripleLane>;
  const waits = create(reads, { firstMessage: () => undefined });
  waits.deciding.start();
  waits.deciding.onMore();
  expect(waits.events).toEqual([]);
  const broken = create(reads, {
    firstMessage: () => {
      throw new ProtocolError("triple", "cut off");
    },
  });
  broken.deciding.start();
  expect(broken.events).toEqual(["refuse undecodable"]);
});
