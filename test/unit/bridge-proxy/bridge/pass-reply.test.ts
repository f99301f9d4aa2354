import { expect, test } from "vitest";
import { CallError } from "../../../../src/base/errors.ts";
import { passReply } from "../../../../src/bridge-proxy/bridge/pass-reply.ts";
import { OK_EXCEPTION } from "../../../../src/bridge-proxy/policies/outcome.ts";

function pass(reply: Parameters<typeof passReply>[2], fault?: CallError): unknown[] {
  const told: unknown[] = [];
  const sink = {
    fault,
    head: (fields: readonly string[], end: boolean) => void told.push(["head", ...fields, end]),
    data: (bytes: Buffer, end: boolean) => told.push(["data", bytes.toString(), end]),
    trailers: (fields: readonly string[]) => void told.push(["trailers", ...fields]),
  };
  const owner = {
    complete: (outcome: unknown) => void told.push(["complete", outcome]),
    tryFailed: (reason: string, message: string, answered: boolean) => void told.push([reason, message, answered]),
  };
  passReply(owner, sink, reply, OK_EXCEPTION);
  return told;
}

const [head, trailers, body] = [["a", "b"], ["c", "d"], Buffer.from("x")];
const done = ["complete", OK_EXCEPTION];

test.each([
  [
    "head, content, trailers",
    { head, body, trailers },
    [["head", "a", "b", false], ["data", "x", false], ["trailers", "c", "d"], done],
  ],
  ["head and content", { head, body, trailers: undefined }, [["head", "a", "b", false], ["data", "x", true], done]],
  ["head and trailers", { head, body: undefined, trailers }, [["head", "a", "b", false], ["trailers", "c", "d"], done]],
  ["head alone", { head, body: undefined, trailers: undefined }, [["head", "a", "b", true], done]],
])("an answer goes on part by part: %s", (_name, reply, expected) => {
  expect(pass(reply)).toEqual(expected);
});

test("what the caller does not take is an error in its place", () => {
  const fault = new CallError("resource_exhausted", "over_limit", "too long");
  expect(pass({ head, body, trailers }, fault)).toEqual([
    ["head", "a", "b", false],
    ["over_limit", "too long", false],
  ]);
});
