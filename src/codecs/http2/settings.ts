/** SETTINGS (RFC 9113 section 6.5.2): pairs of a 16-bit number and a 32-bit value. Unknown numbers are read over. */
import { ERROR, Http2Error, MAX_WINDOW, SETTING } from "./frame.ts";

const MAX_SETTINGS = 32;

/** What a peer's SETTINGS change; undefined for what they leave. */
export interface PeerSettings {
  headerTableBytes: number | undefined;
  maxStreams: number | undefined;
  initialWindow: number | undefined;
  maxHeaderListBytes: number | undefined;
}

/** Reads the payload `bytes[start, end)`, whole pairs, as the end with `role` gets it. Throws `Http2Error` for values out of range. */
export function readSettings(bytes: Buffer, start: number, end: number, role: "server" | "client"): PeerSettings {
  if (end - start > MAX_SETTINGS * 6) throw new Http2Error(ERROR.calm, `over ${MAX_SETTINGS} settings in one frame`);
  const settings: PeerSettings = {
    headerTableBytes: undefined,
    maxStreams: undefined,
    initialWindow: undefined,
    maxHeaderListBytes: undefined,
  };
  for (let at = start; at < end; at += 6) {
    const value = bytes.readUInt32BE(at + 2);
    switch (bytes.readUInt16BE(at)) {
      case SETTING.headerTableSize:
        settings.headerTableBytes = value;
        break;
      case SETTING.enablePush:
        if (value > (role === "server" ? 1 : 0)) throw new Http2Error(ERROR.protocol, `enable_push is ${value}`);
        break;
      case SETTING.maxConcurrentStreams:
        settings.maxStreams = value;
        break;
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW) throw new Http2Error(ERROR.flowControl, `initial_window_size ${value} is over 2^31-1`);
        settings.initialWindow = value;
        break;
      case SETTING.maxHeaderListSize:
        settings.maxHeaderListBytes = value;
        break;
      case SETTING.maxFrameSize:
        if (value < 16_384 || value > 16_777_215) throw new Http2Error(ERROR.protocol, `max_frame_size is ${value}`);
        break;
    }
  }
  return settings;
}
