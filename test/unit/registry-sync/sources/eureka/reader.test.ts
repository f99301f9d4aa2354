import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TransientError } from "../../../../../src/base/errors.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import type { EurekaReply } from "../../../../../src/registry-sync/sources/eureka/link.ts";
import {
  DELTA_REACH_MS,
  EurekaReader,
  type EurekaReaderOptions,
  RECOVERY_MS,
} from "../../../../../src/registry-sync/sources/eureka/reader.ts";
import { type GivenInstance, listBody } from "../../../../support/eureka-documents.ts";

type Answer = Buffer | number | Error;

const one: GivenInstance = { app: "a", host: "10.0.0.1", port: 1 };
const two: GivenInstance = { app: "a", host: "10.0.0.2", port: 1 };
const gone = (given: GivenInstance): GivenInstance => ({ ...given, raw: { actionType: "DELETED" } });

/** A reader of servers that answer what they are told; `asked` has `host path`. */
function stage(servers: Record<string, () => Record<string, Answer>>, options: Partial<EurekaReaderOptions> = {}) {
  const asked: string[] = [];
  const headersSeen: Readonly<Record<string, string>>[] = [];
  const clock = new ManualClock();
  const reader = new EurekaReader({
    servers: Object.keys(servers).map((host) => ({ host, port: 8761 })),
    path: "/eureka",
    format: "json",
    clock,
    log: silentLogger,
    link: {
      close: () => {},
      async get({ host }, path, headers = {}): Promise<EurekaReply> {
        asked.push(`${host} ${path.replace("/eureka/", "")}`);
        headersSeen.push(headers);
        const answer = servers[host]!()[path.replace("/eureka/", "")] ?? 404;
        if (answer instanceof Error) throw answer;
        if (typeof answer === "number") return { status: answer, headers: {}, body: Buffer.alloc(0) };
        return { status: 200, headers: { "content-type": "application/json" }, body: answer };
      },
    },
    ...options,
  });
  const round = async () => (await reader.round()).map(({ before, after }) => `${before?.id ?? ""}>${after?.id ?? ""}`);
  return { reader, clock, asked, headersSeen, round };
}

test("a full list comes first, then deltas as long as the hash agrees", async () => {
  let answers: Record<string, Answer> = { apps: listBody([one]) };
  const { round, asked } = stage({ s: () => answers });
  expect(await round()).toEqual([">10.0.0.1:a:1"]);
  answers = { "apps/delta": listBody([two], "json", "UP_2_") };
  expect(await round()).toEqual([">10.0.0.2:a:1"]);
  answers = { "apps/delta": listBody([two, gone(one)], "json", "UP_1_") };
  expect(await round()).toEqual(["10.0.0.1:a:1>"]);
  expect(asked).toEqual(["s apps", "s apps/delta", "s apps/delta"]);
});

test("where the hash disagrees the full list is asked for", async () => {
  let answers: Record<string, Answer> = { apps: listBody([one]) };
  const { round, asked } = stage({ s: () => answers });
  await round();
  answers = { apps: listBody([two]), "apps/delta": listBody([], "json", "UP_2_") };
  expect(await round()).toEqual(["10.0.0.1:a:1>", ">10.0.0.2:a:1"]);
  expect(asked.at(-1)).toBe("s apps");
});

test("what a delta said is not lost when the full list behind it fails", async () => {
  let answers: Record<string, Answer> = { apps: listBody([one]) };
  const { round, reader } = stage({ s: () => answers });
  await round();
  answers = { apps: 500, "apps/delta": listBody([two], "json", "UP_9_") };
  await expect(reader.round()).rejects.toThrow(TransientError);
  answers = { apps: listBody([one, two]) };
  expect(await round()).toEqual([">10.0.0.2:a:1"]);
});

test.each([403, 404])("a server that answers deltas with %i is asked for full lists", async (status) => {
  const { round, asked } = stage({ s: () => ({ apps: listBody([one]), "apps/delta": status }) });
  for (let i = 0; i < 3; i++) await round();
  expect(asked).toEqual(["s apps", "s apps/delta", "s apps", "s apps"]);
});

test.each<readonly [string, Answer, string]>([
  ["an error", 500, "eureka server s:8761 answered 500 to /eureka/apps"],
  ["no permission", 403, "eureka server s:8761 lets no list be read"],
  ["no such path", 404, "eureka server s:8761 answered 404 to /eureka/apps"],
  ["wrong credentials", 401, "eureka server s:8761 refuses username and password (401)"],
  ["nothing", new TransientError("eureka server s:8761: connect ECONNREFUSED"), "ECONNREFUSED"],
  ["half a list", listBody([one]).subarray(0, 300), "eureka answer is no json"],
  ["an empty body", Buffer.alloc(0), "eureka answer is no json"],
  ["another charset", Buffer.from(listBody([{ ...one, app: "é" }]).toString(), "latin1"), "eureka answer is not UTF-8"],
  ["one application", Buffer.from('{"application":{"name":"A"}}'), "with one application"],
  ["a page", Buffer.from("<html></html>"), "eureka answer is no json"],
])("a server that answers with %s changes nothing", async (_, answer, message) => {
  let answers: Record<string, Answer> = { apps: listBody([one]) };
  const { round, reader } = stage({ s: () => answers });
  await round();
  answers = { apps: answer, "apps/delta": answer };
  await expect(reader.round()).rejects.toThrow(TransientError);
  if (answer !== 403 && answer !== 404) await expect(reader.round()).rejects.toThrow(message);
  expect(reader.size).toBe(1);
});

test("the next server is taken, with a full list, where one fails; it is kept to", async () => {
  let first: Record<string, Answer> = { apps: listBody([one]) };
  const { round, asked } = stage({
    s: () => first,
    t: () => ({ apps: listBody([one, two]), "apps/delta": listBody([], "json", "UP_2_") }),
  });
  await round();
  first = { apps: 500, "apps/delta": 500 };
  expect(await round()).toEqual([">10.0.0.2:a:1"]);
  await round();
  expect(asked).toEqual(["s apps", "s apps/delta", "t apps", "t apps"]);
});

test("for a while after a failover older readings of an instance do not replace newer ones", async () => {
  const at = (host: string, dirty: number, updated = dirty) => ({
    ...one,
    raw: { instanceId: "i", hostName: host, lastDirtyTimestamp: dirty, lastUpdatedTimestamp: updated },
  });
  let first: Record<string, Answer> = { apps: listBody([at("new", 2, 5)]) };
  let second = listBody([at("old", 1)]);
  const { round, clock, reader } = stage({ s: () => first, t: () => ({ apps: second }) });
  await round();
  first = {};
  expect(await round()).toEqual([]);
  second = listBody([at("old", 2, 4)]);
  expect(await round()).toEqual([]);
  second = listBody([at("newest", 3)]);
  expect(await round()).toEqual(["i>i"]);
  second = listBody([at("old", 1)]);
  clock.advance(RECOVERY_MS);
  expect([reader.isRecovering, await round()]).toEqual([false, ["i>i"]]);
});

test("a server that answers with nothing, after something, is believed but said to be recovering", async () => {
  let answers: Record<string, Answer> = { apps: listBody([one]), "apps/delta": 403 };
  const { round, reader, clock } = stage({ s: () => answers });
  await round();
  expect(reader.isRecovering).toBe(false);
  answers = { apps: listBody([]), "apps/delta": 403 };
  await round();
  expect([reader.size, reader.isRecovering]).toEqual([0, true]);
  clock.advance(RECOVERY_MS);
  expect(reader.isRecovering).toBe(false);
});

test("a server that is out of reach from the start leaves nothing to recover", async () => {
  let answers: Record<string, Answer> = {};
  const { reader } = stage({ s: () => answers });
  await expect(reader.round()).rejects.toThrow(TransientError);
  answers = { apps: listBody([one]) };
  await reader.round();
  expect(reader.isRecovering).toBe(false);
});

test("name and password go along, and the format that is wanted", async () => {
  const { round, headersSeen } = stage(
    { s: () => ({ apps: listBody([one]) }) },
    { auth: { username: "u", password: "p" } },
  );
  await round();
  expect(headersSeen).toEqual([{ accept: "application/json", authorization: "Basic dTpw" }]);
});

test("every server's reason is given where none answers", async () => {
  const { reader } = stage({ s: () => ({ apps: 500 }), t: () => ({ apps: 503 }) });
  await expect(reader.round()).rejects.toThrow(
    "eureka server s:8761 answered 500 to /eureka/apps; eureka server t:8761 answered 503 to /eureka/apps",
  );
});

test("after a pause that deltas do not reach over the whole list is asked for, though hashes would agree", async () => {
  const answers: Record<string, Answer> = { apps: listBody([one]), "apps/delta": listBody([], "json", "UP_1_") };
  const { reader, asked, clock } = stage({ s: () => answers });
  await reader.round();
  clock.advance(DELTA_REACH_MS);
  await reader.round();
  answers["apps"] = listBody([two]);
  clock.advance(DELTA_REACH_MS + 1);
  expect(await reader.round()).toHaveLength(2);
  expect(asked).toEqual(["s apps", "s apps/delta", "s apps"]);
});
