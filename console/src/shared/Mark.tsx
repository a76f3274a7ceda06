/** The gateway's mark, as on its icon. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#b8006f" />
      <g fill="none" stroke="#fff" strokeWidth="2.5" strokeLinecap="round">
        <path d="M8 9h9a4 4 0 0 1 4 4v6a4 4 0 0 0 4 4" />
        <path d="M8 16h7M8 23h4" />
      </g>
      <circle cx="25" cy="23" r="2.75" fill="#fff" />
    </svg>
  );
}
