import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import type { World } from "../../../../../src/model/entry.ts";
import { createFileSource } from "../../../../../src/registry-sync/sources/file/source.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trestle-source-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const put = (name: string, text: string) => writeFile(join(folder, name), text);
const service = (name: string, ...endpoints: string[]) =>
  `services: [{service: ${name}, endpoints: ${JSON.stringify(endpoints)}}]`;
const hosts = (world: World) => world.entries.map(({ host, endpoints }) => `${host} ${endpoints.length}`);

/** A source whose next world is asked for by hand: the clock is moved until it comes, each time after `meanwhile`. */
function follow(path = folder, meanwhile: () => Promise<void> = async () => {}) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const stop = new AbortController();
  const events: string[] = [];
  const source = createFileSource({
    ...{ name: "f", path, clock, log: logger },
    onConnected: (connected) => events.push(connected ? "connected" : "lost"),
  });
  const worlds = source.watch(stop.signal, () => events.push("disturbed"))[Symbol.asyncIterator]();
  const soon = async (isDone: () => boolean) => {
    for (let i = 0; i < 400 && !isDone(); i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await meanwhile();
      clock.advance(300);
    }
  };
  return {
    source,
    lines,
    events,
    soon,
    async next(): Promise<World> {
      let world: World | undefined;
      const asked = worlds.next().then(({ value }) => {
        world = value as World;
      });
      await soon(() => world !== undefined);
      await asked;
      return world!;
    },
    async end() {
      const last = worlds.next();
      stop.abort();
      await last;
    },
  };
}

test("files of a folder and of folders under it are one world, followed", async () => {
  await mkdir(join(folder, "more"));
  await put("b.yaml", service("b.B", "10.0.0.1:1"));
  await put("more/a.json", JSON.stringify({ services: [{ service: "a.A" }] }));
  await put("notes.txt", "no");
  await put(".hidden.yaml", "no: no");
  const { next, end, source } = follow();
  const first = await next();
  expect(hosts(first)).toEqual(["a.a 0", "b.b 1"]);
  expect(source.status?.().state).toBe("connected");
  await put("b.yaml", service("b.B", "10.0.0.1:1", "10.0.0.2:1"));
  const second = await next();
  expect(hosts(second)).toEqual(["a.a 0", "b.b 2"]);
  expect(second.entries[0]).toBe(first.entries[0]);
  await rm(join(folder, "b.yaml"));
  expect(hosts(await next())).toEqual(["a.a 0"]);
  await end();
});

test("a file that never stops to change holds up no other", async () => {
  await put("a.yaml", service("a.A"));
  await put("busy.yaml", service("b.B", "10.0.0.1:1"));
  let text = service("b.B");
  let isBusy = false;
  const { next, end } = follow(folder, async () => {
    if (!isBusy) return;
    text += "\n";
    await put("busy.new", text);
    await rename(join(folder, "busy.new"), join(folder, "busy.yaml"));
  });
  await next();
  isBusy = true;
  await put("a.yaml", service("a.A", "10.0.0.1:1"));
  expect(hosts(await next())).toContain("a.a 1");
  isBusy = false;
  await put("busy.yaml", service("b.B", "10.0.0.1:1", "10.0.0.2:1"));
  expect(hosts(await next())).toEqual(["a.a 1", "b.b 2"]);
  await end();
});

test("a file by itself counts whatever it is called", async () => {
  await put("services", service("a.A"));
  const { next, end } = follow(join(folder, "services"));
  expect(hosts(await next())).toEqual(["a.a 0"]);
  await end();
});

test("a service that two files name has the endpoints of both", async () => {
  await put("1.yaml", "services: [{service: a.A, params: {from: one}, endpoints: ['10.0.0.1:1']}]");
  await put("2.yaml", service("a.A", "10.0.0.1:1", "10.0.0.2:1"));
  const { next, end } = follow();
  const { entries } = await next();
  expect(entries[0]!.endpoints.map(({ address, params }) => [address, params["from"]])).toEqual([
    ["10.0.0.1", "one"],
    ["10.0.0.2", undefined],
  ]);
  await end();
});

test("a file that breaks keeps its last good content, with a finding", async () => {
  await put("a.yaml", service("a.A", "10.0.0.1:1"));
  const { next, end, source } = follow();
  await next();
  await put("a.yaml", "services: [");
  const broken = await next();
  expect(hosts(broken)).toEqual(["a.a 1"]);
  expect(broken.findings).toMatchObject([{ code: "TR0171", at: join(folder, "a.yaml") }]);
  expect(source.status?.().errors).toBe(1);
  await put("a.yaml", service("a.A"));
  expect(await next()).toMatchObject({ findings: [], entries: [{ endpoints: [] }] });
  await end();
});

test("a file in another charset is a broken one: a name read wrong would be another service", async () => {
  await put("a.yaml", service("a.Café", "10.0.0.1:1"));
  const { next, end } = follow();
  const [before] = (await next()).entries;
  await writeFile(join(folder, "a.yaml"), Buffer.from(service("a.Café", "10.0.0.1:1"), "latin1"));
  const broken = await next();
  expect(broken.entries).toEqual([before]);
  expect(broken.findings).toMatchObject([{ code: "TR0171", message: expect.stringContaining("it is not UTF-8") }]);
  await end();
});

test("a path that is not there yields nothing until it is, and what was known stands when it goes", async () => {
  const path = join(folder, "later");
  const { next, end, events, soon, lines, source } = follow(path);
  const first = next();
  await soon(() => events.length > 0);
  expect([events, source.status?.().state]).toEqual([["disturbed", "lost"], "lost"]);
  await mkdir(path);
  expect(hosts(await first)).toEqual([]);
  await writeFile(join(path, "a.yaml"), service("a.A"));
  expect(hosts(await next())).toEqual(["a.a 0"]);
  const after = next();
  await rename(path, `${path}.gone`);
  await soon(() => source.status?.().state === "lost");
  expect(lines).toHaveLength(2);
  // The registry's name is in the fields of the log that it is given.
  expect(lines.map(([, , fields]) => Object.keys(fields))).toEqual([["reason"], ["reason"]]);
  await rename(`${path}.gone`, path);
  await writeFile(join(path, "b.yaml"), service("b.B"));
  expect(hosts(await after)).toEqual(["a.a 0", "b.b 0"]);
  await end();
});

test("a folder that had files and has none yields nothing until it has some; one without services says that there are none", async () => {
  await put("a.yaml", service("a.A"));
  const { next, end, source, soon, events } = follow();
  await next();
  const after = next();
  await rm(join(folder, "a.yaml"));
  await soon(() => source.status?.().state === "lost");
  expect(source.status?.().lastError).toContain("had 1 files and has none; is it mounted?");
  await put("b.yaml", "services: []");
  expect(hosts(await after)).toEqual([]);
  expect(events).toEqual(["connected", "disturbed", "lost", "disturbed", "connected"]);
  await end();
});
