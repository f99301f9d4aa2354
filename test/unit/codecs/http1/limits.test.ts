import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { Http1Error } from "../../../../src/codecs/http1/limits.ts";

test("an error carries the status to answer with and is a ProtocolError of http1", () => {
  const error = new Http1Error(431, "too much", 5);
  expect([error instanceof ProtocolError, error.protocol, error.status, error.offset]).toEqual([true, "http1", 431, 5]);
});
