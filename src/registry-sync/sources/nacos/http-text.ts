import { TransientError } from "../../../base/errors.ts";
import type { ConfigKey } from "../../../codecs/nacos/config.ts";
import type { NacosHttp } from "./http.ts";

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Reads one configuration over HTTP. Undefined where there is none. Rejects with `TransientError`. */
export async function readText(
  http: NacosHttp,
  { dataId, group, tenant }: ConfigKey,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { status, body } = await http.request(
    {
      method: "GET",
      path: "/v1/cs/configs",
      query: { dataId, group, ...(tenant !== "" && { tenant }) },
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES + 1,
      statuses: [404],
    },
    signal,
  );
  if (status === 404) return undefined;
  if (body.length > MAX_BYTES) throw new TransientError(`configuration ${dataId} has more than ${MAX_BYTES} bytes`);
  return body.toString();
}
