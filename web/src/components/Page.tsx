import type { ComponentChildren } from 'preact'
import { SidebarButton } from './chat/ChatHeader'

/** The frame of the pages beside the chat. */
export function Page({ title, side, children }: { title: string; side?: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="page">
      <header class="page-head">
        <SidebarButton />
        <h1>{title}</h1>
        {side}
      </header>
      <div class="page-body" role="group" aria-label={title} tabIndex={0}>{children}</div>
    </div>
  )
}
