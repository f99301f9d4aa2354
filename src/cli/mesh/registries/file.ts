import { createFileSource } from "../../../registry-sync/sources/file/source.ts";
import type { OpenSource } from "./source-parts.ts";

/** A file or folder of services. */
export const openFile: OpenSource = ({ config, isOwnAddress, onConnected, clock, log }) =>
  createFileSource({ name: config.name, path: config.chroot, isOwnAddress, onConnected, clock, log });
