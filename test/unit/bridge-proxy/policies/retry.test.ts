import { describe, expect, test } from "vitest";
import { OK, OK_EXCEPTION, outcomeOfReason, outcomeOfStatus } from "../../../../src/bridge-proxy/policies/outcome.ts";
import { compileRetry } from "../../../../src/bridge-proxy/policies/retry.ts";

const UF = outcomeOfReason("connect_failure");
const UC = outcomeOfReason("reset");
const UT = outcomeOfReason("timeout");
const NR = outcomeOfReason("no_route");
const PROVIDER_BUSY = outcomeOfStatus(100);
const PROVIDER_FAILED = outcomeOfStatus(70);

describe("retryOn", () => {
  const rows: [string, readonly object[], readonly object[]][] = [
    ["connect-failure", [UF], [UC, UT, PROVIDER_BUSY]],
    ["reset", [UC], [UF, UT]],
    ["5xx", [UF, UC, UT, PROVIDER_BUSY, PROVIDER_FAILED], [NR]],
    ["gateway-error", [UF, UC, UT, PROVIDER_BUSY], [PROVIDER_FAILED]],
    ["unavailable", [UF, UC, PROVIDER_BUSY], [UT, PROVIDER_FAILED]],
    ["deadline-exceeded", [UT], [UC]],
    ["internal, reset", [PROVIDER_FAILED, UC], [UT]],
    ["retriable-4xx", [], [UF, UC, NR]],
  ];
  test.each(rows)("%s", (retryOn, taken, refused) => {
    const { retriable } = compileRetry({ retryOn, numRetries: 1 });
    for (const outcome of taken) expect(retriable(outcome as typeof UF), JSON.stringify(outcome)).toBe(true);
    for (const outcome of refused) expect(retriable(outcome as typeof UF), JSON.stringify(outcome)).toBe(false);
  });
});

test("numbers are codes of the answer table", () => {
  const { retriable } = compileRetry({ retryOn: "retriable-status-codes", retriableStatusCodes: [504], numRetries: 1 });
  expect([retriable(UT), retriable(UC)]).toEqual([true, false]);
});

test("what the callee answered, an exception too, is never sent again", () => {
  const { retriable } = compileRetry({ retryOn: "5xx,reset", retriableStatusCodes: [200], numRetries: 1 });
  expect([retriable(OK), retriable(OK_EXCEPTION)]).toEqual([false, false]);
});

test("the wait grows with the try and stays under its bound", () => {
  const { backOffMs } = compileRetry({ retryOn: "reset", numRetries: 9 });
  expect([backOffMs(1, 0.5), backOffMs(2, 0.5), backOffMs(9, 1)]).toEqual([25, 50, 250]);
  expect(backOffMs(3, 0)).toBe(0);
  const own = compileRetry({
    retryOn: "reset",
    numRetries: 9,
    retryBackOff: { baseInterval: "0.1s", maxInterval: "0.3s" },
  });
  expect(own.backOffMs(9, 1)).toBe(300);
});
