import type { TrestleConfig } from "./config.ts";

/** What differs between two configurations, as keys of the file. */
export interface ConfigChange {
  /** Taken up while running. */
  readonly taken: readonly string[];
  /** Take effect when Trestle is started anew. */
  readonly needRestart: readonly string[];
}

/** Compares a running configuration with a new one. */
export function compareConfigs(before: TrestleConfig, after: TrestleConfig): ConfigChange {
  const sameFacades = before.facades.length === after.facades.length;
  const taken = [
    ...differs("rules", before.rules, after.rules),
    ...differs("protos", before.protos, after.protos),
    ...differs("proxy.advertise", before.proxy.advertise, after.proxy.advertise),
    ...(sameFacades ? differs("facades[].take", takesOf(before), takesOf(after)) : []),
    ...(sameFacades ? differs("facades[].pass", passesOf(before), passesOf(after)) : []),
  ];
  const needRestart = [
    ...differs("registries", before.registries, after.registries),
    ...differs("facades", fixedFacades(before), fixedFacades(after)),
    ...differs("proxy.host", before.proxy.host, after.proxy.host),
    ...differs("proxy.bind", before.proxy.bind, after.proxy.bind),
    ...differs("proxy.dubbo", before.proxy.dubbo, after.proxy.dubbo),
    ...differs("proxy.tri", askedTri(before), askedTri(after)),
    ...differs("proxy.http", before.proxy.http, after.proxy.http),
    ...differs("proxy.httpPort", before.proxy.httpPort, after.proxy.httpPort),
    ...differs("proxy.inbound", before.proxy.inbound, after.proxy.inbound),
    ...differs("proxy.labels", before.proxy.labels, after.proxy.labels),
    ...differs("proxy.serviceAccount", before.proxy.serviceAccount, after.proxy.serviceAccount),
    ...differs("proxy.locality", before.proxy.locality, after.proxy.locality),
    ...differs("mesh", before.mesh, after.mesh),
    ...differs("ca", before.ca, after.ca),
    ...differs("credentials", before.credentials, after.credentials),
    ...differs("credentialReaders", before.credentialReaders, after.credentialReaders),
    ...differs("callers", before.callers, after.callers),
    ...differs("metadata", before.metadata, after.metadata),
    ...differs("outputs", [before.outputs, before.xds], [after.outputs, after.xds]),
    ...differs("control", before.control, after.control),
    ...differs("admin", before.admin, after.admin),
    ...differs("naming", before.naming, after.naming),
    ...differs("data", before.data, after.data),
  ];
  return { taken, needRestart };
}

function differs(key: string, before: unknown, after: unknown): string[] {
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [key];
}

/** Default ports may have been replaced by others at the start; that is no change of the file. */
function askedTri({ proxy }: TrestleConfig): unknown {
  return proxy.triIsDefault ? "default" : proxy.tri;
}

function takesOf({ facades }: TrestleConfig): unknown {
  return facades.map(({ take }) => take);
}

function passesOf({ facades }: TrestleConfig): unknown {
  return facades.map(({ pass }) => pass);
}

function fixedFacades({ facades }: TrestleConfig): unknown {
  return facades.map(({ take: _, pass: __, ...fixed }) => fixed);
}
