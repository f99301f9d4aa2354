/**
 * The messages of Nacos' gRPC services that are about configurations:
 *
 *     ConfigQueryRequest{dataId, group, tenant} > ConfigQueryResponse{content, md5, lastModified}, or resultCode 500 with errorCode 300
 *     ConfigBatchListenRequest{listen, configListenContexts[{dataId, group, tenant, md5}]} > ConfigChangeBatchListenResponse{changedConfigs[{dataId, group, tenant}]}
 *     push ConfigChangeNotifyRequest{requestId, dataId, group, tenant} > ConfigChangeNotifyResponse{requestId}
 *
 * Reference: Nacos 2.3.2 with client 2.4.3, seen.
 */
import { ProtocolError } from "../../base/errors.ts";
import { isRecord, listOf, type NacosBody, textOf } from "./body.ts";
import type { ConfigKey } from "./config.ts";
import { CONFIG_NOT_FOUND, type NacosMessage, readResult, request } from "./messages.ts";

/** Asks for one configuration. */
export function configQuery({ dataId, group, tenant }: ConfigKey): NacosMessage {
  return request("ConfigQueryRequest", "config", { dataId, group, tenant });
}

/** Listens to configurations (or ends that), each with the MD5 (hex) of what is known of it: empty where it is taken not to be there. */
export function configListen(list: Iterable<ConfigKey & { readonly md5: string }>, listen = true): NacosMessage {
  const configListenContexts = Array.from(list, ({ dataId, group, tenant, md5 }) => ({ group, md5, dataId, tenant }));
  return request("ConfigBatchListenRequest", "config", { listen, configListenContexts });
}

/** Reads a configuration; null for one that is not there. Throws `ProtocolError` for an answer that is a failure. */
export function readConfig(body: NacosBody): { readonly content: string; readonly md5: string } | null {
  const { isOk, errorCode, message } = readResult(body);
  if (isOk) return { content: textOf(body, "content"), md5: textOf(body, "md5") };
  if (errorCode === CONFIG_NOT_FOUND) return null;
  throw new ProtocolError("nacos", `nacos refuses a configuration: ${message || `error ${errorCode}`}`);
}

/** Reads which configurations changed; what names none is left out. */
export function readChangedConfigs(body: NacosBody): readonly ConfigKey[] {
  return listOf(body, "changedConfigs").flatMap((one) => (isRecord(one) ? (readConfigKey(one) ?? []) : []));
}

/** Reads which configuration a request or push is about; undefined where it names none. */
export function readConfigKey(body: NacosBody): ConfigKey | undefined {
  const dataId = textOf(body, "dataId");
  const group = textOf(body, "group");
  return dataId === "" || group === "" ? undefined : { dataId, group, tenant: textOf(body, "tenant") };
}
