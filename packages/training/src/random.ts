export { Random } from "@uat/audio";
