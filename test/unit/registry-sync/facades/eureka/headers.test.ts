import { expect, test } from "vitest";
import { framedHeaders, passedHeaders } from "../../../../../src/registry-sync/facades/eureka/headers.ts";

test.each([
  ["GET", "", undefined],
  ["HEAD", "", undefined],
  // Without its length the body of a GET is the next request on the connection.
  ["GET", "DELETE /eureka/apps/A/i HTTP/1.1", 32],
  ["HEAD", "abc", 3],
  ["DELETE", "", 0],
  ["PUT", "", 0],
  ["POST", "abc", 3],
  ["OPTIONS", "", 0],
])("%s with the body %j has the length %s", (method, text, length) => {
  const headers = framedHeaders({ method, path: "/", headers: { accept: "a" }, body: Buffer.from(text) });
  expect(headers).toEqual({ accept: "a", ...(length !== undefined && { "content-length": length }) });
});

test("what ends at a hop is not passed on, nor what a client names so", () => {
  const given = {
    ...{ host: "h", connection: "keep-alive, X-Mine", "x-mine": "1", "transfer-encoding": "chunked", te: "gzip" },
    ...{ "content-length": "7", expect: "100-continue", upgrade: "h2c", authorization: "Basic x", accept: "a" },
  };
  expect(passedHeaders(given)).toEqual({ authorization: "Basic x", accept: "a" });
});
