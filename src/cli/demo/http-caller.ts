import { jsonToValue } from "../../codecs/hessian2/from-json.ts";
import { valueToJson } from "../../codecs/hessian2/json.ts";
import type { Value } from "../../codecs/value.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { CallAddress } from "../call-target.ts";
import { DEFAULT_MAX_MESSAGE_BYTES } from "../triple/client.ts";
import { callHttp } from "../triple/http-call.ts";

const TIMEOUT_MS = 1_000;

/**
 * Calls a sample service as `curl` would: JSON over HTTP/1.1 to one of Triple's ports. Rejects with one line where there was no
 * answer, or one that is no value.
 */
export async function callJson(
  address: Pick<CallAddress, "host" | "port">,
  service: ServiceKey,
  method: string,
  args: readonly Value[],
): Promise<Value> {
  const outcome = await callHttp({
    address,
    service,
    method,
    args: args.map((arg) => valueToJson(arg)),
    options: { timeout: TIMEOUT_MS, attachment: [], maxMessage: DEFAULT_MAX_MESSAGE_BYTES },
  });
  if (outcome.type === "error") throw new Error(`HTTP ${outcome.status}: ${outcome.text}`);
  return jsonToValue(outcome.value);
}
