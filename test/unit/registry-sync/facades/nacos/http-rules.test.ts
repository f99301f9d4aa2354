import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { printListening } from "../../../../../src/codecs/nacos/config.ts";
import { HttpRules } from "../../../../../src/registry-sync/facades/nacos/http-rules.ts";
import type { Answer } from "../../../../../src/registry-sync/facades/nacos/http-upstream.ts";

const rule = { dataId: "shop.tag-router", group: "dubbo", tenant: "", md5: "" };
const plain = { dataId: "x", group: "dubbo", tenant: "", md5: "" };
const CHANGED = "shop.tag-router%02dubbo%01\n";

function stage() {
  const clock = new ManualClock();
  const hidden = new Set([rule.dataId]);
  const rules = new HttpRules({
    clock,
    hides: ({ dataId }, { application }) => application !== "passes" && hidden.has(dataId),
  });
  const ask = (
    method: string,
    base: string,
    more: { query?: string; body?: string; holdMs?: string; application?: string } = {},
  ) => {
    const seen = { status: 0, text: "", asked: [] as string[], passed: 0, settle: (_: Answer) => {} };
    const response = Object.assign(new EventEmitter(), {
      writeHead(status: number) {
        seen.status = status;
        return response;
      },
      end(text: string) {
        seen.text = text;
      },
      destroyed: false,
    });
    const served = rules.serve(
      {
        ...{ method, base, query: new URLSearchParams(more.query ?? ""), body: Buffer.from(more.body ?? "") },
        ...{
          client: { address: "10.0.0.1", application: more.application ?? "" },
          holdMs: more.holdMs,
          response: response as unknown as ServerResponse,
        },
      },
      {
        fetch: (body) => {
          seen.asked.push(new URLSearchParams(body.toString()).get("Listening-Configs") ?? "");
          return new Promise((resolve) => {
            seen.settle = resolve;
          });
        },
        reply: () => void seen.passed++,
      },
    );
    return { seen, served, response };
  };
  const listen = (list: readonly (typeof rule)[], holdMs?: string) =>
    ask("POST", "/v1/cs/configs/listener", {
      body: new URLSearchParams({ "Listening-Configs": printListening(list) }).toString(),
      ...(holdMs !== undefined && { holdMs }),
    });
  return { clock, hidden, rules, ask, listen };
}

test("a hidden rule is not there; everything else passes", async () => {
  const { ask } = stage();
  const old = ask("GET", "/v1/cs/configs", { query: "dataId=shop.tag-router&group=dubbo" });
  expect([await old.served, old.seen.status, old.seen.text]).toEqual([true, 404, "config data not exist"]);
  const young = ask("GET", "/v2/cs/config", { query: "dataId=shop.tag-router&group=dubbo&namespaceId=" });
  expect([await young.served, young.seen.status, JSON.parse(young.seen.text).code]).toEqual([true, 404, 20_004]);
  expect(await ask("GET", "/v1/cs/configs", { query: "dataId=x&group=dubbo" }).served).toBe(false);
  const passes = { query: "dataId=shop.tag-router&group=dubbo", application: "passes" };
  expect(await ask("GET", "/v1/cs/configs", passes).served).toBe(false);
  expect(await ask("POST", "/v1/cs/configs", { query: "dataId=shop.tag-router&group=dubbo" }).served).toBe(false);
  expect(await ask("GET", "/v1/ns/instance/list").served).toBe(false);
});

test("hidden rules are not listened to; who has one is told at once, who listens to them alone waits", async () => {
  const { clock, listen } = stage();
  expect(await listen([plain]).served).toBe(false);
  const both = listen([plain, rule]);
  expect(both.seen.asked).toEqual([printListening([plain])]);
  both.seen.settle({ status: 200, headers: {}, body: Buffer.alloc(0) });
  expect([await both.served, both.seen.passed]).toEqual([true, 1]);
  const stale = listen([plain, { ...rule, md5: "x" }]);
  expect([await stale.served, stale.seen.asked, stale.seen.text]).toEqual([true, [], CHANGED]);
  const alone = listen([rule], "10000");
  clock.advance(9_499);
  await Promise.resolve();
  expect(alone.seen.status).toBe(0);
  clock.advance(1);
  expect([await alone.served, alone.seen.status, alone.seen.text, alone.seen.asked]).toEqual([true, 200, "", []]);
});

test("who listens is answered when a rule is hidden from now on, or no longer", async () => {
  const { hidden, rules, listen } = stage();
  hidden.clear();
  const shown = listen([rule, plain]);
  rules.contextChanged();
  expect(shown.seen.status).toBe(0);
  hidden.add(rule.dataId);
  rules.contextChanged();
  expect([await shown.served, shown.seen.text]).toEqual([true, CHANGED]);
  const alone = listen([rule]);
  hidden.clear();
  rules.contextChanged();
  expect([await alone.served, alone.seen.text]).toEqual([true, CHANGED]);
  // One that left is not told.
  const gone = listen([rule, plain]);
  gone.response.destroyed = true;
  gone.response.emit("close");
  expect([await gone.served, gone.seen.status]).toEqual([true, 0]);
});
