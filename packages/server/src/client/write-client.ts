/** `tsx packages/server/src/client/write-client.ts`: writes client.ts anew. */
import { writeFileSync } from "node:fs";
import { openApi } from "../api/openapi.ts";
import { generateClient } from "./generate-client.ts";

writeFileSync(new URL("client.ts", import.meta.url), generateClient(openApi()));
