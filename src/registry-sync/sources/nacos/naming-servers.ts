import { ProtocolError, TransientError } from "../../../base/errors.ts";
import { listOf, type NacosBody, parseBody, utf8Of, wholeOf } from "../../../codecs/nacos/body.ts";
import { groupedName } from "../../../codecs/nacos/service-info.ts";
import type { NacosHttp } from "./http.ts";
import type { NamingServer } from "./mirror.ts";

/** Longest answers over HTTP: a service's instances, and a page of names. */
const MAX_SERVICE_BYTES = 64 * 1024 * 1024;
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const HTTP_TIMEOUT_MS = 5_000;

/** The names and services of a server of 1.x, over HTTP; `isOpen` false ends it. */
export function httpNaming(http: NacosHttp, namespace: string, signal: AbortSignal): NamingServer {
  const ask = async (path: string, query: Readonly<Record<string, string>>, maxBytes: number): Promise<NacosBody> => {
    const { body } = await http.request(
      {
        method: "GET",
        path,
        query: { ...query, namespaceId: namespace },
        timeoutMs: HTTP_TIMEOUT_MS,
        maxBytes: maxBytes + 1,
      },
      signal,
    );
    if (body.length > maxBytes) throw new TransientError(`nacos answers ${path} with more than ${maxBytes} bytes`);
    try {
      return parseBody(utf8Of(body));
    } catch (error) {
      if (error instanceof ProtocolError)
        throw new TransientError(`nacos answers ${path} unreadably: ${error.message}`);
      throw error;
    }
  };
  return {
    pushes: false,
    holderOf: () => signal,
    get isOpen() {
      return !signal.aborted;
    },
    async list(group, pageNo, pageSize) {
      const query = { groupName: group, pageNo: String(pageNo), pageSize: String(pageSize) };
      const body = await ask("/v1/ns/service/list", query, MAX_LIST_BYTES);
      // Something else that answers 200, or nothing, in its place: no registry that holds nothing.
      if (!Array.isArray(body["doms"])) throw new TransientError("nacos answers /v1/ns/service/list without a list");
      const names = listOf(body, "doms").filter((name): name is string => typeof name === "string" && name !== "");
      return { count: Math.max(0, wholeOf(body, "count", 0)), names };
    },
    read: (group, name) => {
      const query = { serviceName: groupedName(group, name), groupName: group, healthyOnly: "false" };
      return ask("/v1/ns/instance/list", query, MAX_SERVICE_BYTES);
    },
    forget() {},
  };
}
