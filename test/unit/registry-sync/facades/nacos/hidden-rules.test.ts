import { expect, test } from "vitest";
import { type NacosBody, parseBody } from "../../../../../src/codecs/nacos/body.ts";
import { decodePayload, encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import {
  HiddenRules,
  hidesRule,
  isRouterConfig,
  type RulesContext,
} from "../../../../../src/registry-sync/facades/nacos/hidden-rules.ts";

const rule = { dataId: "shop.tag-router", group: "dubbo", tenant: "" };
const plain = { dataId: "shop.configurators", group: "dubbo", tenant: "" };
const hiding = (hidden: readonly string[], passes = false): RulesContext => ({
  hidesRouter: (directory, name) => directory.kind === "rules" && hidden.includes(name),
  passesClient: ({ address }) => passes && address === "10.0.0.1",
});

function stage(context = hiding([])) {
  const given = { context };
  const told: NacosBody[] = [];
  const parts = {
    ...{ context: () => given.context, namespace: "public", clientAddress: "10.0.0.1" },
    push: (message: Buffer) => void told.push(parseBody(decodePayload(message).body)),
  };
  const rules = new HiddenRules(parts);
  const listen = (contexts: readonly object[], more = {}) => {
    const body = JSON.stringify({ listen: true, configListenContexts: contexts, ...more });
    const message = encodePayload({ type: "ConfigBatchListenRequest", body });
    const sent = rules.toServer(message, decodePayload(message));
    const { configListenContexts } = parseBody(decodePayload(sent).body) as { configListenContexts: NacosBody[] };
    return { isSame: sent === message, names: configListenContexts.map((one) => one["dataId"]) };
  };
  const ask = (config: object) => {
    const answer = rules.answer(
      decodePayload(encodePayload({ type: "ConfigQueryRequest", body: JSON.stringify(config) })),
    );
    return answer && parseBody(decodePayload(answer).body)["errorCode"];
  };
  return { given, parts, rules, told, listen, ask };
}

test("what chooses among providers may be hidden, of the namespace that is mirrored", () => {
  expect([rule, plain, { ...rule, group: "other" }].map(isRouterConfig)).toEqual([true, false, false]);
  const { parts, given } = stage(hiding([rule.dataId, plain.dataId]));
  const of = (config: object) => hidesRule({ ...rule, ...config }, parts);
  expect([of({}), of({ tenant: "public" }), of({ tenant: "dev" }), of(plain)]).toEqual([true, true, false, false]);
  given.context = hiding([rule.dataId], true);
  expect(of({})).toBe(false);
});

test("a hidden rule is not there, and the registry is not asked to tell of it", () => {
  const { listen, ask, told } = stage(hiding([rule.dataId]));
  expect([ask(rule), ask(plain), ask({})]).toEqual([300, undefined, undefined]);
  expect(listen([{ ...plain, md5: "" }])).toEqual({ isSame: true, names: [plain.dataId] });
  expect(listen([{ ...plain, md5: "" }, { ...rule, md5: "" }, {}])).toEqual({
    isSame: false,
    names: [plain.dataId, undefined],
  });
  expect(told).toEqual([]);
  // A client that has one from elsewhere looks again.
  listen([{ ...rule, md5: "x" }]);
  expect(told).toEqual([{ headers: {}, ...rule, requestId: "trestle-rule-1", module: "config" }]);
});

test("who listens hears of a rule that is hidden from now on, and of one that is not any more", () => {
  const { given, rules, told, listen } = stage();
  listen([{ ...rule, md5: "x" }]);
  rules.contextChanged();
  expect(told).toEqual([]);
  given.context = hiding([rule.dataId]);
  rules.contextChanged();
  rules.contextChanged();
  expect(told.length).toBe(1);
  given.context = hiding([]);
  rules.contextChanged();
  expect(told.length).toBe(2);
  listen([rule], { listen: false });
  given.context = hiding([rule.dataId]);
  rules.contextChanged();
  expect(told.length).toBe(2);
});

test("a client that is known by the application that it says to be finds the rules, as it finds the real addresses", () => {
  const { parts } = stage({ ...hiding([rule.dataId]), passesClient: ({ application }) => application === "old-app" });
  expect(hidesRule(rule, { ...parts, application: () => "" })).toBe(true);
  expect(hidesRule(rule, { ...parts, application: () => "old-app" })).toBe(false);
});
