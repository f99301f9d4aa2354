import type { World } from "../../model/entry.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { type DubboUrl, param } from "../dubbo/url.ts";
import { providingOf } from "./providing.ts";

/** The key under which all lines of Dubbo keep a provider's tag, and look for it (TagRouter of 2.6 and 2.7, TagStateRouter of 3.x). */
export const TAG = "dubbo.tag";

/** The tag of a provider (its service, protocol and address) in a world, with the registration that it is true for. */
export type TagsInWorld = (
  service: ServiceKey,
  url: DubboUrl,
) => { readonly tag: string; readonly timestamp: string | undefined } | undefined;

/** The providers with a tag: overrides and the config centre may have given it, so that their own URLs do not say it. Reads the world when first asked. */
export function tagsInWorld(world: World): TagsInWorld {
  let tags: Map<string, { readonly tag: string; readonly timestamp: string | undefined }> | undefined;
  return (service, { protocol, host, port }) => {
    tags ??= readTags(world);
    return tags.size === 0 ? undefined : tags.get(idOf(service, protocol, host, port));
  };
}

function readTags(world: World): Map<string, { readonly tag: string; readonly timestamp: string | undefined }> {
  const tags = new Map<string, { readonly tag: string; readonly timestamp: string | undefined }>();
  for (const entry of world.entries) {
    if (!providingOf(entry).isTagged) continue;
    const { service, endpoints } = entry;
    for (const { address, port, protocol, tag, params } of endpoints) {
      if (tag === "") continue;
      const raw = param({ params }, TAG);
      tags.set(idOf(service, protocol, address, port), { tag: raw, timestamp: params["timestamp"] });
    }
  }
  return tags;
}

/**
 * The tag to show of a provider: the world's where that knows this registration of it, else what its URL says. A provider that
 * has started again since counts by its URL until the world knows it.
 */
export function tagOfProvider(service: ServiceKey, url: DubboUrl, tags: TagsInWorld): string {
  const known = tags(service, url);
  return known !== undefined && known.timestamp === url.params["timestamp"] ? known.tag : param(url, TAG);
}

function idOf(service: ServiceKey, protocol: string, address: string, port: number): string {
  return `${printServiceKey(service)} ${protocol} ${address} ${port}`;
}
