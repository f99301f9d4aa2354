import type { DubboLine } from "./dubbo.ts";

/**
 * The checks of the suite that fail between these two lines without any mesh, each with its reason. The list is short on purpose:
 * a row that passes fails the test.
 */
export function knownDifferences(
  consumer: DubboLine,
  provider: DubboLine,
  behindTrestle = false,
): Readonly<Record<string, string>> {
  const known: Record<string, string> = {
    "double -0.0": "hessian-lite writes every double that equals 0 as the one-byte zero",
  };
  // Two 3.x peers agree on fastjson2 when the provider prefers it; its 3.2.18 form loses the message of a checked exception.
  // Behind Trestle they are shown hessian2 first, which keeps it.
  if (provider === "3.2" && (consumer === "3.2" || consumer === "3.3") && !behindTrestle) {
    known["exception checked"] = "3.2.18 loses the message over fastjson2";
    known["exception checked-cause"] = "3.2.18 loses the message over fastjson2";
  }
  if (provider === "3.2" && (consumer === "2.6" || consumer === "2.7")) {
    known["callback parameter"] = "3.2.18 calls back in its own default, fastjson2, which 2.x does not know";
  }
  return known;
}
