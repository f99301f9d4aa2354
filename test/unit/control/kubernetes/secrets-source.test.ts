import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TransientError } from "../../../../src/base/errors.ts";
import { SecretsSource } from "../../../../src/control/kubernetes/secrets-source.ts";
import type { KubernetesApi } from "../../../../src/kubernetes/api.ts";
import { createTestLeaf, createTestRoot } from "../../../support/certificates.ts";
import { recordingLogger, turn } from "../../../support/recording-logger.ts";

const leaf = createTestLeaf(createTestRoot());
const secret = (name: string, data: Readonly<Record<string, string>>) => ({
  metadata: { name, resourceVersion: "5" },
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
});

/** A cluster with these Secrets, whose watches tell what `change` is given. */
function cluster(secrets: Readonly<Record<string, object>>) {
  const asked: string[] = [];
  const told = new Map<string, (event: object) => void>();
  const nameIn = (path: string) => decodeURIComponent(path).match(/metadata\.name=([a-z-]+)/)?.[1] ?? "";
  const api: KubernetesApi = {
    send: () => Promise.reject(new Error("nothing is sent")),
    async get(path) {
      const name = nameIn(path);
      asked.push(name);
      if (name.startsWith("lost")) throw new TransientError("connect ECONNREFUSED");
      return { metadata: { resourceVersion: "5" }, items: secrets[name] === undefined ? [] : [secrets[name]] };
    },
    async *lines(path, signal) {
      const waiting: object[] = [];
      let wake = () => {};
      told.set(nameIn(path), (event) => {
        waiting.push(event);
        wake();
      });
      signal.addEventListener("abort", () => wake());
      while (!signal.aborted) {
        yield* waiting.splice(0);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
  const { logger, lines } = recordingLogger();
  const source = new SecretsSource({ api, namespace: "edge", clock: new ManualClock(), log: logger });
  return { source, asked, lines, told };
}

const settle = async () => {
  for (let i = 0; i < 20; i++) await turn();
};

test("the Secrets that rules name are asked for, each with its roots; others are not", async () => {
  const { source, asked } = cluster({
    site: secret("site", { "tls.crt": leaf.chain, "tls.key": leaf.key }),
    "site-cacert": secret("site-cacert", { "ca.crt": leaf.root }),
    older: secret("older", { cert: leaf.chain, key: leaf.key, cacert: leaf.root }),
    other: secret("other", {}),
  });
  source.follow(new Set(["site", "older"]));
  await settle();
  expect(source.current.get().map(({ name }) => name)).toEqual([
    "kubernetes://older",
    "kubernetes://older-cacert",
    "kubernetes://site",
    "kubernetes://site-cacert",
  ]);
  expect([...asked].sort()).toEqual(["older", "older-cacert", "site", "site-cacert"]);
  source.follow(new Set(["site"]));
  expect(source.current.get()).toHaveLength(2);
  await source.close();
});

test("one that is renewed is another, one that is wrong stays as it was, one out of reach is told once", async () => {
  const { source, told, lines } = cluster({ site: secret("site", { "tls.crt": leaf.chain, "tls.key": leaf.key }) });
  source.follow(new Set(["site", "lost"]));
  await settle();
  const [before] = source.current.get();
  told.get("site")!({ type: "MODIFIED", object: secret("site", { "tls.crt": leaf.chain }) });
  await settle();
  expect(source.current.get()).toEqual([before]);
  expect(lines.map(([level, text]) => `${level} ${text}`)).toEqual([
    "warn a credential can't be read; what was read of it before stays",
    "error a credential can't be used; what was read of it before stays",
  ]);
  const next = createTestLeaf(createTestRoot());
  told.get("site")!({ type: "MODIFIED", object: secret("site", { "tls.crt": next.chain, "tls.key": next.key }) });
  await settle();
  expect(source.current.get()[0]?.version).not.toBe(before?.version);
  await source.close();
});
