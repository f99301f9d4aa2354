import { expect, test } from "vitest";
import { outcomeOfFields, ownReply } from "../../../../src/bridge-proxy/triple/answers.ts";
import { ownAnswer } from "../../../../src/codecs/dubbo2/status.ts";

test("a gRPC caller is told by a head that ends, with its own content-type", () => {
  const reply = ownReply(["content-type", "application/grpc+proto"], ownAnswer("no_endpoint"), "no provider of a%b");
  expect(reply.fields.join(" ")).toBe(
    ":status 200 content-type application/grpc+proto grpc-status 14 grpc-message trestle:%20no%20provider%20of%20a%25b",
  );
  expect(reply.body).toBeUndefined();
});

test("any other caller gets the status and JSON", () => {
  const { fields, body } = ownReply(["content-type", "application/json"], ownAnswer("timeout"), "late");
  expect(fields.slice(0, 4)).toEqual([":status", "504", "content-type", "application/json"]);
  expect(JSON.parse(body!.toString())).toEqual({ status: "504", message: "trestle: late" });
});

const grpc = [":status", "200", "content-type", "application/grpc"];
test.each<[string, string[], string[] | undefined, (string | number | boolean)[]]>([
  ["a value", grpc, ["grpc-status", "0"], [200, 0, false]],
  ["an exception of 3.2", [...grpc, "tri-exception-code", "3"], ["grpc-status", "0"], [200, 0, true]],
  ["an error", [...grpc, "grpc-status", "5"], undefined, [404, 5, false]],
  ["a status that is none", grpc, ["grpc-status", "99"], [500, 2, false]],
  ["a gRPC answer without a status", grpc, undefined, [500, 2, false]],
  ["plain HTTP", [":status", "204"], undefined, [204, 0, false]],
  ["plain HTTP that failed", [":status", "503"], undefined, [503, 14, false]],
  ["an HTTP status that nobody knows", [":status", "499"], undefined, [400, 13, false]],
])("%s", (_, head, trailers, [responseCode, grpcStatus, exception]) => {
  expect(outcomeOfFields(head, trailers)).toMatchObject({ responseCode, grpcStatus, exception, flags: "-" });
});

test("somebody else's headers go with it, but for those that say how the call ended", () => {
  const said = [
    ["WWW-Authenticate", "Bearer"],
    ["grpc-status", "0"],
  ] as const;
  for (const type of ["application/grpc", "application/json"]) {
    const { fields } = ownReply(["content-type", type], ownAnswer("denied"), "no", said);
    expect(fields.slice(-2)).toEqual(["www-authenticate", "Bearer"]);
    expect(fields.filter((one) => one === "grpc-status").length).toBe(type === "application/grpc" ? 1 : 0);
  }
});
