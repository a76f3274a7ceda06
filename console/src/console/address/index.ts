export type { Address, Change, View } from "./address";
export { Link } from "./Link";
export { go, readAddress, urlOf, useAddress } from "./useAddress";
