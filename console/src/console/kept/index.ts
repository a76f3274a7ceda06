export { useKept } from "./useKept";
