/**
 * The messages and services of the control plane: xDS v3 with Envoy's filters, CSDS, LRS, rate limits, external authorization, the
 * certificate service that Istio has, and Trestle's own resource. Their descriptors are made by the build (`scripts/xds-protos.mjs`).
 */
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { WELL_KNOWN } from "../protobuf/descriptors.ts";
import { XDS_DESCRIPTORS } from "./gen/descriptors.ts";

let made: FileRegistry | undefined;

/** All types by their full names, protobuf's own among them. Read once, at the first use: it takes some 30 ms. */
export function xdsTypes(): FileRegistry {
  if (made === undefined) {
    const { file } = fromBinary(FileDescriptorSetSchema, Buffer.from(XDS_DESCRIPTORS, "base64"));
    made = createFileRegistry(create(FileDescriptorSetSchema, { file: [...WELL_KNOWN, ...file] }));
  }
  return made;
}

/** A message by its full name (`envoy.service.discovery.v3.DiscoveryRequest`), or by a type URL that ends with it. Throws an `Error` for one that is not known. */
export function xdsMessage(name: string): DescMessage {
  const found = xdsTypes().getMessage(name.slice(name.lastIndexOf("/") + 1));
  if (found === undefined) throw new Error(`there is no xds message ${name.slice(0, 200)}`);
  return found;
}

/** A service by its full name. Throws an `Error` for one that is not known. */
export function xdsService(name: string): DescService {
  const found = xdsTypes().getService(name);
  if (found === undefined) throw new Error(`there is no xds service ${name.slice(0, 200)}`);
  return found;
}
