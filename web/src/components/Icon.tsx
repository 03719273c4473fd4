// Line icons of 20 units, drawn here.
const PATHS = {
  plus: 'M10 4v12M4 10h12',
  menu: 'M3 6h14M3 10h14M3 14h9',
  search: 'M9 4a5 5 0 1 0 0 10 5 5 0 0 0 0-10M13 13l4 4',
  close: 'M5 5l10 10M15 5L5 15',
  dots: 'M4.5 10h.01M10 10h.01M15.5 10h.01',
  send: 'M10 16V4M5 9l5-5 5 5',
  stop: 'M6 6h8v8H6z',
  attach: 'M15.5 9.5l-5.8 5.8a3.5 3.5 0 0 1-5-5l6.5-6.5a2.3 2.3 0 0 1 3.3 3.3l-6.4 6.4a1.2 1.2 0 0 1-1.7-1.7l5.5-5.5',
  file: 'M6 3h5l4 4v10H6zM11 3v4h4',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  check: 'M4 10.5l4 4 8-9',
  edit: 'M4 16l.8-3.5L13 4.3l2.7 2.7-8.2 8.2zM11.5 5.8l2.7 2.7',
  again: 'M15.5 8A6 6 0 1 0 16 11.5M16 4v4h-4',
  forward: 'M4 5l6 5-6 5zM11 5l6 5-6 5z',
  left: 'M12 5l-5 5 5 5',
  right: 'M8 5l5 5-5 5',
  down: 'M5 8l5 5 5-5',
  toBottom: 'M10 4v11M5 10l5 5 5-5',
  sliders: 'M3 6h7M14 6h3M3 14h3M10 14h7M12 4v4M8 12v4',
  model: 'M10 3l6 3.5v7L10 17l-6-3.5v-7zM4 6.5l6 3.5 6-3.5M10 10v7',
  documents: 'M7 3.5h5l3.5 3.5v8H7zM12 3.5v3.5h3.5M7 5.5H4.5v11.5H13v-2M9.5 9.5H13M9.5 12H13',
  lesson: 'M10 4L2.5 7.5 10 11l7.5-3.5zM5.5 9v4.2c2.6 2.4 6.4 2.4 9 0V9M17.5 7.5v5',
  agent: 'M6 8h8a2 2 0 0 1 2 2v4a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-4a2 2 0 0 1 2-2M10 8V4.5M10 4h.01M7.8 11.5v1M12.2 11.5v1M2 11.5v2M18 11.5v2',
  clock: 'M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M10 6.5V10l2.5 1.8',
  chart: 'M4 4v12h12M7 12l3-4 2.5 2.5L16 6',
  gear: 'M10 7.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M10 2.5v2M10 15.5v2M2.5 10h2M15.5 10h2M4.7 4.7l1.4 1.4M13.9 13.9l1.4 1.4M4.7 15.3l1.4-1.4M13.9 6.1l1.4-1.4',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6',
  download: 'M10 3v9M6 8.5l4 4 4-4M4 16h12',
  upload: 'M10 13V4M6 7.5l4-4 4 4M4 16h12',
  tool: 'M12.5 3.5a4 4 0 0 0-3.9 5L3.5 13.6l2.9 2.9 5.1-5.1a4 4 0 0 0 5-4.9l-2.3 2.3-2.2-.8-.8-2.2z',
  thought: 'M10 3.5a5 5 0 0 1 2.5 9.3V15h-5v-2.2A5 5 0 0 1 10 3.5M8 17.5h4',
  warning: 'M10 3.5l7.5 13h-15zM10 8.5v3.5M10 14.3h.01',
  keyboard: 'M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M6.5 11.5h7',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}

/** The mark: warmth rising from a floor. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="9" />
      <path class="mark-lines" d="M7 23.5h18M10.5 18c-1.8-2.4 1.8-3.8 0-6.6M16 18c-1.8-2.4 1.8-5.2 0-9.5M21.5 18c-1.8-2.4 1.8-3.8 0-6.6" />
    </svg>
  )
}
