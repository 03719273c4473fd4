import type { ComponentChildren } from 'preact'
import { SidebarButton } from './chat/ChatHeader'
import { Icon } from './Icon'

/** The frame of the pages beside the chat. `back` is the page that this one is a part of. */
export function Page({ title, side, back, children }: { title: string; side?: ComponentChildren; back?: { to: string; label: string }; children: ComponentChildren }) {
  return (
    <div class="page">
      <header class="page-head">
        <SidebarButton />
        {back && <a class="icon-button" href={back.to} aria-label={back.label} title={back.label}><Icon name="left" /></a>}
        <h1>{title}</h1>
        {side}
      </header>
      <div class="page-body" role="group" aria-label={title} tabIndex={0}>{children}</div>
    </div>
  )
}
