; What runs from the folder of an installation: it is stopped, awaited, made way for.
; $Was is the folder of the installation that is there, $Stopped what came of Stop.
; $0 to $3 are spent here.

; PutBack makes all as it was: what was moved aside is back, and FCC runs again, if
; it ran. Rename leaves a file alone that is there.
!macro PutBack
  Rename "$INSTDIR\fcc.exe.old" "$INSTDIR\fcc.exe"
  Rename "$INSTDIR\fcc.com.old" "$INSTDIR\fcc.com"
  SetOutPath "$PROFILE"
  RMDir "$INSTDIR" ; one that was made, and is empty
  ${If} $Stopped = 0
    Exec '"$Was\fcc.exe"'
  ${EndIf}
!macroend

!macro GiveUp
  !insertmacro PutBack
  SetErrorLevel 5
  Quit
!macroend

; AwaitFree sets $0 to 1 when FILE is free, or not there, and to 0 when a program
; still runs from it after SECONDS.
!macro AwaitFree FILE SECONDS
  StrCpy $0 1
  ${If} ${FileExists} "${FILE}"
    StrCpy $1 0
    ${Do}
      ClearErrors
      FileOpen $2 "${FILE}" a
      ${IfNot} ${Errors}
        FileClose $2
        StrCpy $0 1
        ${Break}
      ${EndIf}
      StrCpy $0 0
      Sleep 200
      IntOp $1 $1 + 200
    ${LoopUntil} $1 >= ${SECONDS}000
  ${EndIf}
!macroend

; Stop has PROGRAM end FCC, which it finds by the data folder, wherever that was
; started: $Stopped is 0 when one ran and has ended, 3 when none ran, and else
; anything. What uses the files all the same (an assistant's fcc mcp, an FCC of
; another data folder) comes after.
!macro Stop PROGRAM
  StrCpy $Stopped 3
  ExecWait '"${PROGRAM}" stop' $Stopped
!macroend

; AwaitStopped goes by the file where the program did not say: it may be damaged.
!macro AwaitStopped
  ${If} $Stopped <> 0
  ${AndIf} $Stopped <> 3
    !insertmacro AwaitFree "$Was\fcc.exe" 5
    ${If} $0 = 0
      MessageBox MB_OK|MB_ICONEXCLAMATION "${PRODUCT} is running and does not stop. Quit it by its icon beside the clock, then start this again." /SD IDOK
      !insertmacro GiveUp
    ${EndIf}
  ${EndIf}
!macroend

; Count adds 1 to $3 when FILE is not free after SECONDS.
!macro Count FILE SECONDS
  !insertmacro AwaitFree "${FILE}" ${SECONDS}
  ${If} $0 = 0
    IntOp $3 $3 + 1
  ${EndIf}
!macroend

; AwaitUnused waits, or asks the user, until no file of FOLDER is used.
!macro AwaitUnused FOLDER
  ${Do}
    StrCpy $3 0
    !insertmacro Count "${FOLDER}\fcc.exe" 5
    !insertmacro Count "${FOLDER}\fcc.com" 1
    !insertmacro Count "${FOLDER}\fcc.exe.old" 0
    !insertmacro Count "${FOLDER}\fcc.com.old" 0
    ${If} $3 = 0
      ${Break}
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Another program uses ${PRODUCT}. Close your assistants and terminals, then try again." /SD IDCANCEL IDRETRY again
    !insertmacro GiveUp
    again:
  ${Loop}
!macroend

!macro RemoveFiles FOLDER
  Delete "${FOLDER}\fcc.exe.old"
  Delete "${FOLDER}\fcc.com.old"
  Delete "${FOLDER}\fcc.com"
  Delete "${FOLDER}\fcc.exe"
  Delete "${FOLDER}\uninstall.exe"
  RMDir "${FOLDER}" ; what else is in it stays
!macroend

; MakeWay moves a file aside from which a program still runs: Windows lets a running
; program be renamed, not replaced. What was moved aside goes with the next
; installation, or when the program is removed.
!macro MakeWay FILE SECONDS
  !insertmacro AwaitFree "${FILE}" ${SECONDS}
  ${If} $0 = 0
    ClearErrors
    Delete "${FILE}.old"
    Rename "${FILE}" "${FILE}.old"
    ${If} ${Errors}
      MessageBox MB_OK|MB_ICONEXCLAMATION "Another program uses ${FILE}. Close your assistants and terminals, then start this again." /SD IDOK
      !insertmacro GiveUp
    ${EndIf}
  ${EndIf}
!macroend
