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
  ];
  const needRestart = [
    ...differs("registries", before.registries, after.registries),
    ...differs("facades", fixedFacades(before), fixedFacades(after)),
    ...differs("proxy.host", before.proxy.host, after.proxy.host),
    ...differs("proxy.bind", before.proxy.bind, after.proxy.bind),
    ...differs("proxy.dubbo", before.proxy.dubbo, after.proxy.dubbo),
    ...differs("proxy.tri", askedTri(before), askedTri(after)),
    ...differs("proxy.http", before.proxy.http, after.proxy.http),
    ...differs("metadata", before.metadata, after.metadata),
    ...differs("outputs", before.outputs, after.outputs),
    ...differs("admin", before.admin, after.admin),
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

function fixedFacades({ facades }: TrestleConfig): unknown {
  return facades.map(({ take: _, ...fixed }) => fixed);
}
