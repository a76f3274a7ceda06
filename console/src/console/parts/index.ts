export { part } from "./part";
export { preloadWhenSettled } from "./preload";
