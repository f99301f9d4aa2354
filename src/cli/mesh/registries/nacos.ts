import { createNacosSource } from "../../../registry-sync/sources/nacos/source.ts";
import { nacosList } from "../../config/nacos-query.ts";
import type { OpenSource } from "./source-parts.ts";

/** A Nacos: `group` and `cluster` of the URL are comma lists, `api` is `grpc`, `http` or (unless told) `auto`. */
export const openNacos: OpenSource = ({ config, hosts, ...parts }) => {
  const { namespace, group = "", cluster = "", api } = config.query;
  return createNacosSource({
    ...parts,
    name: config.name,
    hosts,
    contextPath: config.chroot,
    ...(namespace !== undefined && { namespace }),
    groups: nacosList(group),
    clusters: nacosList(cluster),
    ...((api === "grpc" || api === "http") && { api }),
    ...(config.username !== "" && { auth: { username: config.username, password: config.password } }),
  });
};
