// Small parts that every view uses: buttons, dialogs, menus, fields.
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { t } from '../state/settings'
import { Icon, type IconName } from './Icon'

interface IconButtonProps {
  icon: IconName
  label: string
  onClick: () => void
  class?: string
  disabled?: boolean
  pressed?: boolean
}

export function IconButton({ icon, label, onClick, class: className = '', disabled = false, pressed }: IconButtonProps) {
  return (
    <button type="button" class={`icon-button ${className}`} aria-label={label} title={label} onClick={onClick} disabled={disabled} aria-pressed={pressed}>
      <Icon name={icon} />
    </button>
  )
}

interface DialogProps {
  title: string
  onClose: () => void
  children: ComponentChildren
  /** side: a sheet at the right edge; wide: for texts. */
  kind?: 'center' | 'side' | 'wide'
}

/** The browser's own modal dialog: it keeps the focus inside and gives it back at the end. */
export function Dialog({ title, onClose, children, kind = 'center' }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  // The browser reports the end of a dialog late, when the next one may already be open.
  const isGone = useRef(false)
  useEffect(() => {
    const node = element.current!
    node.showModal()
    const first = node.querySelector<HTMLElement>('[autofocus]') ?? node.querySelector('h2')
    first?.focus()
    return () => {
      isGone.current = true
      node.close()
    }
  }, [])
  return (
    <dialog
      ref={element}
      class={`dialog dialog-${kind}`}
      aria-labelledby={heading}
      onClose={() => isGone.current || onClose()}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={heading} tabIndex={-1}>{title}</h2>
          <IconButton icon="close" label={t.value.common.close} onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  )
}

export interface MenuItem {
  label: string
  icon: IconName
  run: () => void
  danger?: boolean
}

/** A button that opens a short list of actions; arrow keys move, Escape closes. */
export function Menu({ label, items }: { label: string; items: MenuItem[] }) {
  const [isOpen, setOpen] = useState(false)
  const [above, setAbove] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const list = () => [...root.current!.querySelectorAll<HTMLElement>('[role=menuitem]')]
  const close = (focus: boolean) => {
    setOpen(false)
    if (focus) root.current?.querySelector('button')?.focus()
  }
  useEffect(() => {
    if (!isOpen) return
    list()[0]?.focus()
    const outside = (event: Event) => !root.current?.contains(event.target as Node) && close(false)
    document.addEventListener('pointerdown', outside)
    return () => document.removeEventListener('pointerdown', outside)
  }, [isOpen])
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return
    const all = list()
    const at = all.indexOf(document.activeElement as HTMLElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key]
    if (to !== undefined) all[to % all.length]?.focus()
    else if (event.key === 'Escape') close(true)
    else {
      if (event.key === 'Tab') close(false)
      return
    }
    event.preventDefault()
    event.stopPropagation()
  }
  const toggle = () => {
    setAbove((root.current?.getBoundingClientRect().bottom ?? 0) > window.innerHeight - 220)
    setOpen(!isOpen)
  }
  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button type="button" class="icon-button" aria-label={label} title={label} aria-haspopup="menu" aria-expanded={isOpen} onClick={toggle}>
        <Icon name="dots" />
      </button>
      {isOpen && (
        <div class={`menu-list${above ? ' above' : ''}`} role="menu" aria-label={label}>
          {items.map((item) => (
            <button
              key={item.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={item.danger ? 'danger' : ''}
              onClick={() => {
                close(true)
                item.run()
              }}
            >
              <Icon name={item.icon} />
              {item.label}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}

interface ChoiceProps<T extends string> {
  legend: string
  value: T
  options: { value: T; label: string }[]
  onChange: (value: T) => void
  disabled?: boolean
}

/** A few exclusive choices side by side. */
export function Choice<T extends string>({ legend, value, options, onChange, disabled = false }: ChoiceProps<T>) {
  const name = useId()
  return (
    <fieldset class="choice" disabled={disabled}>
      <legend>{legend}</legend>
      <div class="choice-row">
        {options.map((option) => (
          <label key={option.value} class="choice-option">
            <input type="radio" name={name} value={option.value} checked={option.value === value} onChange={() => onChange(option.value)} />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** A button that opens the file chooser. */
export function FileButton({ label, icon, accept, multiple = false, onFiles, plain = false }: {
  label: string
  icon: IconName
  accept?: string
  multiple?: boolean
  onFiles: (files: File[]) => void
  plain?: boolean
}) {
  const input = useRef<HTMLInputElement>(null)
  const open = () => input.current?.click()
  return (
    <>
      {plain ? (
        <IconButton icon={icon} label={label} onClick={open} />
      ) : (
        <button type="button" class="button" onClick={open}>
          <Icon name={icon} />
          {label}
        </button>
      )}
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        multiple={multiple}
        onChange={(event) => {
          const { files } = event.currentTarget
          onFiles(files ? [...files] : [])
          event.currentTarget.value = ''
        }}
      />
    </>
  )
}
