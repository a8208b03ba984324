/** React hooks for live events: React 18 and 19, StrictMode, concurrent rendering, server rendering. */

export { type Bindings, bindQueryClient, type QueryClientLike } from "./bindQueryClient.js";
export { PulseProvider, useClient, useConnection } from "./provider.js";
export { useEvent } from "./useEvent.js";
export { type Job, type JobState, useJob } from "./useJob.js";
export { useKeyed, useTopic } from "./useTopic.js";
export { useWebSocket } from "./useWebSocket.js";
