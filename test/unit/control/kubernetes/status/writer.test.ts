import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import type { RuleObject } from "../../../../../src/control/kubernetes/objects.ts";
import { StatusWriter } from "../../../../../src/control/kubernetes/status/writer.ts";
import { ApiFailure } from "../../../../../src/kubernetes/api.ts";
import type { Finding } from "../../../../../src/model/entry.ts";
import { recordingLogger, turn } from "../../../../support/recording-logger.ts";
import { ruleObject } from "../../../../support/rule-objects.ts";

const PATH = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/orders/status";

function writing(first: RuleObject, answers: readonly (Error | undefined)[] = []) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const sent: { readonly path: string; readonly body: { metadata: object; status: object } }[] = [];
  const waiting = [...answers];
  let object = first;
  let findings: readonly Finding[] | undefined = [];
  let isBroken = false;
  const heard: number[] = [];
  const writer = new StatusWriter({
    ...{ name: "kubernetes://", clock, log: logger },
    objects: () => [object],
    findings: () => {
      if (isBroken) throw new Error("no judgement");
      return findings;
    },
    onRefusals: () => heard.push(writer.findings().length),
    api: {
      async send(method, path, body) {
        expect(method).toBe("PATCH");
        sent.push({ path, body: body as never });
        const answer = waiting.shift();
        if (answer !== undefined) throw answer;
        return {};
      },
    },
  });
  return {
    ...{ writer, sent, lines, heard },
    breakJudge(next: boolean) {
      isBroken = next;
    },
    set(next: RuleObject) {
      object = next;
    },
    find(next: readonly Finding[] | undefined) {
      findings = next;
    },
    async pass(ms = 1_000) {
      writer.note();
      clock.advance(ms);
      for (let i = 0; i < 10; i++) await turn();
    },
  };
}

test("a status that differs is written over the version that was read, once", async () => {
  const { sent, pass, set, writer } = writing(ruleObject());
  await pass(999);
  expect(sent).toHaveLength(0);
  await pass(1);
  expect(sent).toMatchObject([{ path: PATH, body: { metadata: { resourceVersion: "1" } } }]);
  await pass();
  set(ruleObject({ resourceVersion: "2", status: sent[0]!.body.status as never }));
  await pass();
  // Another replica's, which began at another time, is the same.
  const text = JSON.stringify(sent[0]!.body.status).replace(
    /"lastTransitionTime":"[^"]*"/,
    '"lastTransitionTime":"then"',
  );
  set(ruleObject({ resourceVersion: "3", status: JSON.parse(text) }));
  await pass();
  expect(sent).toHaveLength(1);
  await writer.close();
});

test("nothing is written while it is not known what is wrong, nor without a status of its own", async () => {
  const { sent, pass, find, set, writer } = writing(ruleObject());
  find(undefined);
  await pass();
  find([]);
  const { resource } = ruleObject();
  set(ruleObject({ resource: { ...resource, hasStatus: false } }));
  await pass();
  expect(sent).toHaveLength(0);
  await writer.close();
});

test("what can wait waits, unless something else asks for it sooner", async () => {
  const { sent, writer, pass } = writing(ruleObject());
  writer.note(10_000);
  await pass(999);
  expect(sent).toHaveLength(0);
  await pass(1);
  expect(sent).toHaveLength(1);
  await writer.close();
});

test("findings go to the object that they are about", async () => {
  const { sent, pass, find, writer } = writing(ruleObject());
  const of = (at: string): Finding => ({ code: "TR0221", severity: "error", at, message: at });
  find([of("VirtualService shop/orders spec.http[0]"), of("VirtualService shop/orders2"), of("a.yaml:1:1")]);
  await pass();
  expect(JSON.stringify(sent[0]!.body.status)).toContain(
    "TR0221 spec.http[0]: VirtualService shop/orders spec.http[0]",
  );
  expect(JSON.stringify(sent[0]!.body.status)).not.toContain("orders2");
  await writer.close();
});

test("a conflict is left to the watch; a refusal is told, and tried again after a minute", async () => {
  const conflict = writing(ruleObject(), [new ApiFailure(PATH, 409, "changed")]);
  await conflict.pass();
  conflict.set(ruleObject({ resourceVersion: "2" }));
  await conflict.pass();
  expect([conflict.sent.length, conflict.lines.length]).toEqual([2, 0]);
  await conflict.writer.close();

  const refused = writing(ruleObject(), [new ApiFailure(PATH, 403, "forbidden")]);
  await refused.pass();
  await refused.pass();
  expect(refused.sent).toHaveLength(1);
  expect(refused.writer.findings()).toMatchObject([
    {
      code: "TR0219",
      message: expect.stringContaining("needs the verb patch of virtualservices/status.networking.istio.io"),
    },
  ]);
  await refused.pass(61_000);
  await refused.pass();
  expect(refused.sent).toHaveLength(2);
  expect(refused.writer.findings()).toEqual([]);
  expect(refused.heard).toEqual([1, 0]);
  await refused.writer.close();
});

test("one that comes back as another again and again is left alone until its object changes", async () => {
  const { sent, pass, set, lines, writer } = writing(ruleObject());
  for (let i = 1; i <= 10; i++) {
    set(ruleObject({ resourceVersion: String(i) }));
    await pass();
  }
  expect(sent).toHaveLength(5);
  expect(lines.map(([, text]) => text)).toEqual([expect.stringContaining("left alone until its object changes")]);
  set(ruleObject({ resourceVersion: "11", generation: 2 }));
  await pass();
  expect(sent).toHaveLength(6);
  await writer.close();
});

test("a judge that fails is logged, and asked again with the next change", async () => {
  const { sent, pass, lines, breakJudge, writer } = writing(ruleObject());
  breakJudge(true);
  await pass();
  expect(lines.map(([level, text]) => `${level} ${text}`)).toEqual(["error statuses can't be made"]);
  breakJudge(false);
  await pass();
  expect(sent).toHaveLength(1);
  await writer.close();
});

test("over one version another status is written at once, the same one again only where nothing was told of it for a minute", async () => {
  const { sent, pass, find, writer } = writing(ruleObject());
  await pass();
  find([{ code: "TR0221", severity: "error", at: "VirtualService shop/orders spec", message: "no such service" }]);
  await pass();
  expect(sent).toHaveLength(2);
  await pass();
  expect(sent).toHaveLength(2);
  // As after a backup was restored: the version is the same again, and the status is gone.
  await pass(61_000);
  await pass();
  expect(sent).toHaveLength(3);
  await writer.close();
});
