import { expect, test } from "vitest";
import { TransientError } from "../../../src/base/errors.ts";
import { ApiFailure } from "../../../src/kubernetes/api.ts";

test("an answer that is no success says what was asked for, the status, and why", () => {
  const failure = new ApiFailure("/api/v1/services", 403, "forbidden");
  expect(failure).toBeInstanceOf(TransientError);
  expect(failure).toMatchObject({
    status: 403,
    reason: "forbidden",
    message: "/api/v1/services was answered 403: forbidden",
  });
  expect(new ApiFailure("/x", 500, "").message).toBe("/x was answered 500");
});
