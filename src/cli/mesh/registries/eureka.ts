import { createEurekaSource } from "../../../registry-sync/sources/eureka/source.ts";
import { parseAddress } from "../../config/address.ts";
import { eurekaIntervalMs } from "../../config/eureka-query.ts";
import type { OpenSource } from "./source-parts.ts";

/** A cluster of Eureka servers. */
export const openEureka: OpenSource = ({ config, hosts, isOwnAddress, onConnected, onFindings, clock, log }) => {
  const { zone, format, interval } = config.query;
  return createEurekaSource({
    name: config.name,
    servers: hosts.map((text) => parseAddress(text)!),
    path: config.chroot,
    ...(interval !== undefined && { intervalMs: eurekaIntervalMs(interval)! }),
    ...(zone !== undefined && { zone }),
    ...(format === "xml" && { format }),
    ...(config.username !== "" && { auth: { username: config.username, password: config.password } }),
    ...{ isOwnAddress, onConnected, onFindings, clock, log },
  });
};
