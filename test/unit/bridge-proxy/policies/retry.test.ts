import { describe, expect, test } from "vitest";
import {
  OK,
  OK_EXCEPTION,
  outcomeOfGrpc,
  outcomeOfHttp,
  outcomeOfReason,
  outcomeOfStatus,
} from "../../../../src/bridge-proxy/policies/outcome.ts";
import { compileRetry } from "../../../../src/bridge-proxy/policies/retry.ts";
import { PREVIOUS_HOSTS, PREVIOUS_PRIORITIES } from "../../../../src/codecs/xds/route.ts";

const UF = outcomeOfReason("connect_failure");
const UC = outcomeOfReason("reset");
const UT = outcomeOfReason("timeout");
const NR = outcomeOfReason("no_route");
const UO = outcomeOfReason("overflow");
const PROVIDER_BUSY = outcomeOfStatus(100);
const PROVIDER_FAILED = outcomeOfStatus(70);

describe("retryOn", () => {
  const rows: [string, readonly object[], readonly object[]][] = [
    ["connect-failure", [UF], [UC, UT, PROVIDER_BUSY]],
    ["reset", [UC, UF, UT], [PROVIDER_BUSY, NR]],
    ["reset-before-request", [UF], [UC, UT]],
    ["5xx", [UF, UC, UT, PROVIDER_BUSY, PROVIDER_FAILED], [NR, UO]],
    ["gateway-error", [UF, UC, UT, PROVIDER_BUSY], [PROVIDER_FAILED]],
    ["unavailable", [UF, UC, PROVIDER_BUSY], [UT, PROVIDER_FAILED]],
    ["deadline-exceeded", [UT], [UC]],
    ["internal, reset", [PROVIDER_FAILED, UC], [PROVIDER_BUSY]],
    ["retriable-4xx", [outcomeOfHttp(409)], [UF, UC, NR, outcomeOfHttp(404)]],
    ["cancelled", [outcomeOfGrpc(1)], [outcomeOfGrpc(2)]],
    ["resource-exhausted", [outcomeOfGrpc(8)], [UF]],
    ["refused-stream,retriable-headers,envoy-ratelimited", [], [UF, UC, UT, PROVIDER_BUSY]],
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

test("which providers are left out is said by Envoy's extensions", () => {
  const plain = compileRetry({ retryOn: "reset", numRetries: 1 });
  expect(plain).toMatchObject({ avoidsTried: false, avoidsPriorities: false });
  const both = compileRetry({
    retryOn: "reset",
    numRetries: 1,
    retryHostPredicate: [{ name: PREVIOUS_HOSTS }],
    retryPriority: { name: PREVIOUS_PRIORITIES },
  });
  expect(both).toMatchObject({ avoidsTried: true, avoidsPriorities: true });
});
