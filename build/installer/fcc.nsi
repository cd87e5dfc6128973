; FCC-Setup.exe: installs Financial Command Center for the user who runs it.
; go run ./build package calls makensis with VERSION, NUMBERS (the version as four
; numbers), PROGRAMS (the folder of fcc.exe and fcc.com), ICON, PANEL (the picture
; beside the first and last page), OUT, and SIGN if the uninstaller is to be signed.
;
; FCC-Setup.exe [/S] [/STARTUP=1|0] [/D=FOLDER]
;   /S            silent: no window; FCC is started again if one ran
;   /STARTUP=1|0  start at sign-in, or not. Silent without it: stays as it is
;   /D=FOLDER     another folder; the last argument, without quotes
;
; uninstall.exe [/S] [/REMOVEDATA=1] [_?=FOLDER]
;   /REMOVEDATA=1 also disconnects from Xero and removes keychain items, settings
;                 and log (fcc erase)
;   _?=FOLDER     do it in this process, and leave only uninstall.exe. Without it a
;                 copy in TEMP works on after this process has ended with 0
;
; Exit codes of both: 0 done, 1 given up by the user, 2 a file could not be written,
; 5 FCC or a program that uses it is still running and nothing was changed,
; 6 done, except for what it said: PATH or start at sign-in, or data that is left.

Unicode true
Target amd64-unicode ; 32-bit Windows is not what fcc.exe runs on
SetCompressor /SOLID lzma
SetDateSave off ; or two builds differ
ManifestDPIAware true
ManifestSupportedOS Win10
ManifestLongPathAware true
RequestExecutionLevel user

!define PRODUCT "Financial Command Center"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\FinancialCommandCenter"
!define RUN_KEY "Software\Microsoft\Windows\CurrentVersion\Run"

Name "${PRODUCT}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\${PRODUCT}"
InstallDirRegKey HKCU "${UNINSTALL_KEY}" InstallLocation
BrandingText "${PRODUCT} ${VERSION}"
AllowSkipFiles off
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion ${NUMBERS}
VIFileVersion ${NUMBERS}
VIAddVersionKey /LANG=0 ProductName "${PRODUCT}"
VIAddVersionKey /LANG=0 ProductVersion "${VERSION}"
VIAddVersionKey /LANG=0 FileVersion "${VERSION}"
VIAddVersionKey /LANG=0 FileDescription "${PRODUCT} Setup"
VIAddVersionKey /LANG=0 CompanyName "${PRODUCT}"
VIAddVersionKey /LANG=0 OriginalFilename "FCC-Setup.exe"
VIAddVersionKey /LANG=0 LegalCopyright ""

!ifdef SIGN
  !uninstfinalize '${SIGN}'
!endif

!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh

Var Tick     ; the check box of the first page
Var Startup  ; what it says: 1, 0, or empty for: as it is
Var Known    ; the installed version, or empty
Var Stopped  ; 0: FCC ran and was stopped
Var Text     ; of the first page, and of the last one when removing
Var RemoveData ; 1: what FCC keeps of the user, too

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${PANEL}"
!define MUI_UNWELCOMEFINISHPAGE_BITMAP "${PANEL}"

!define MUI_WELCOMEPAGE_TITLE "${PRODUCT}"
!define MUI_WELCOMEPAGE_TEXT "$Text"
!define MUI_PAGE_CUSTOMFUNCTION_PRE BeforeWelcome
!define MUI_PAGE_CUSTOMFUNCTION_SHOW ShowWelcome
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE LeaveWelcome
!insertmacro MUI_PAGE_WELCOME

!insertmacro MUI_PAGE_INSTFILES

!define MUI_FINISHPAGE_TITLE "${PRODUCT} is installed"
!define MUI_FINISHPAGE_TEXT "Its icon is at the right end of the taskbar, beside the clock. Windows may keep it behind the arrow there."
!define MUI_FINISHPAGE_RUN "$INSTDIR\fcc.exe"
!define MUI_FINISHPAGE_RUN_TEXT "Start ${PRODUCT}"
!define MUI_FINISHPAGE_NOREBOOTSUPPORT
!insertmacro MUI_PAGE_FINISH

!define MUI_WELCOMEPAGE_TITLE "Remove ${PRODUCT}"
!define MUI_WELCOMEPAGE_TEXT "The program goes from this computer. What it keeps of you can stay for another time: then you are still signed in to Xero when you install it again."
!define MUI_PAGE_CUSTOMFUNCTION_SHOW un.ShowWelcome
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE un.LeaveWelcome
!insertmacro MUI_UNPAGE_WELCOME

!insertmacro MUI_UNPAGE_INSTFILES

!define MUI_FINISHPAGE_TITLE "${PRODUCT} is removed"
!define MUI_FINISHPAGE_TEXT "$Text"
!insertmacro MUI_UNPAGE_FINISH

!insertmacro MUI_LANGUAGE English

; StopRunning ends FCC and waits until its file is free. What of it is used all the
; same (an assistant's fcc mcp, an FCC of another data folder) comes after.
!macro StopRunning
  StrCpy $Stopped 3
  ${If} ${FileExists} "$INSTDIR\fcc.exe"
    ExecWait '"$INSTDIR\fcc.exe" stop' $Stopped ; 0: one ran and has ended, 3: none ran
    ${If} $Stopped <> 0
    ${AndIf} $Stopped <> 3
      MessageBox MB_OK|MB_ICONEXCLAMATION "${PRODUCT} is running and does not stop. Quit it by its icon beside the clock, then start this again." /SD IDOK
      SetErrorLevel 5
      Quit
    ${EndIf}
  ${EndIf}
!macroend

; GiveUp leaves all as it was: FCC runs again, if it ran.
!macro GiveUp
  ${If} $Stopped = 0
    Exec '"$INSTDIR\fcc.exe"'
  ${EndIf}
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

; Count adds 1 to $3 when FILE is not free after SECONDS.
!macro Count FILE SECONDS
  !insertmacro AwaitFree "${FILE}" ${SECONDS}
  ${If} $0 = 0
    IntOp $3 $3 + 1
  ${EndIf}
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

!macro OnlyOne
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Local\FinancialCommandCenterSetup") p .r0 ?e'
  Pop $1
  ${If} $1 = 183 ; ERROR_ALREADY_EXISTS
    MessageBox MB_OK|MB_ICONINFORMATION "This runs already, in another window." /SD IDOK
    SetErrorLevel 5
    Quit
  ${EndIf}
!macroend

Function .onInit
  !insertmacro OnlyOne
  SetShellVarContext current
  ReadRegStr $Known HKCU "${UNINSTALL_KEY}" DisplayVersion
  ${GetParameters} $0
  ${GetOptions} $0 "/STARTUP=" $Startup ; empty, without it
  ${If} $Startup != ""
  ${AndIf} $Startup != "0"
  ${AndIf} $Startup != "1"
    MessageBox MB_OK|MB_ICONEXCLAMATION "/STARTUP= takes 1 or 0." /SD IDOK
    SetErrorLevel 2
    Quit
  ${EndIf}
FunctionEnd

Function BeforeWelcome
  ${If} $Known == ""
    StrCpy $Text "It sits beside the clock and signs you in to Xero once. Then your pages, spreadsheets, scripts and assistants reach your books without another login.$\r$\n$\r$\nIt is installed for you alone, and needs no administrator."
  ${ElseIf} $Known == "${VERSION}"
    StrCpy $Text "Version ${VERSION} is here already. Installing it again puts every file of it right.$\r$\n$\r$\nYou stay signed in to Xero."
  ${Else}
    StrCpy $Text "Version ${VERSION} takes the place of version $Known. If it runs, it is stopped for a moment.$\r$\n$\r$\nYou stay signed in to Xero."
  ${EndIf}
FunctionEnd

; PlaceTick puts a check box where the lower half of the page's text was.
!macro PlaceTick WORDS
  System::Call 'user32::GetClientRect(p $mui.WelcomePage.Text, @r0)'
  System::Call '*$0(i, i, i .r1, i .r2)'
  IntOp $2 $2 / 2
  System::Call 'user32::SetWindowPos(p $mui.WelcomePage.Text, p 0, i 0, i 0, i r1, i r2, i 0x16)' ; SWP_NOMOVE, NOZORDER, NOACTIVATE
  ${NSD_CreateCheckbox} 120u 112u 195u 10u "${WORDS}"
  Pop $Tick
  SetCtlColors $Tick "${MUI_TEXTCOLOR}" "${MUI_BGCOLOR}"
!macroend

Function ShowWelcome
  !insertmacro PlaceTick "Start it when I sign in to Windows"
  Call StartsAtSignIn
  Pop $0
  ${If} $Startup == 1
  ${OrIf} $Startup == ""
  ${AndIf} $0 == 1
    ${NSD_Check} $Tick
  ${EndIf}
FunctionEnd

; StartsAtSignIn is what the check box shows: what is so, and at first 1.
Function StartsAtSignIn
  Push $0
  StrCpy $0 1
  ${If} $Known != ""
    ReadRegStr $0 HKCU "${RUN_KEY}" "${PRODUCT}"
    ${If} $0 == ""
      StrCpy $0 0
    ${Else}
      StrCpy $0 1
    ${EndIf}
  ${EndIf}
  Exch $0
FunctionEnd

; What the user did not change stays as it is: an entry may be turned off in the
; Task Manager, and be there all the same.
Function LeaveWelcome
  ${NSD_GetState} $Tick $1
  Call StartsAtSignIn
  Pop $0
  ${If} $Known == ""
  ${OrIf} $0 != $1
    StrCpy $Startup $1
  ${Else}
    StrCpy $Startup ""
  ${EndIf}
FunctionEnd

Section
  !insertmacro StopRunning
  SetOutPath "$INSTDIR"
  Delete "$INSTDIR\*.old"
  !insertmacro MakeWay "$INSTDIR\fcc.exe" 5
  !insertmacro MakeWay "$INSTDIR\fcc.com" 1
  File "${PROGRAMS}/fcc.exe"
  File "${PROGRAMS}/fcc.com"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\${PRODUCT}.lnk" "$INSTDIR\fcc.exe" "" "$INSTDIR\fcc.exe" 0 SW_SHOWNORMAL "" "Sign in to Xero once, for every program"

  WriteRegStr HKCU "${UNINSTALL_KEY}" DisplayName "${PRODUCT}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" DisplayVersion "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" DisplayIcon "$INSTDIR\fcc.exe,0"
  WriteRegStr HKCU "${UNINSTALL_KEY}" Publisher "${PRODUCT}"
  WriteRegStr HKCU "${UNINSTALL_KEY}" InstallLocation "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL_KEY}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL_KEY}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" NoModify 1
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" NoRepair 1
  SectionGetSize 0 $0 ; in KiB, as the list of programs wants it
  WriteRegDWORD HKCU "${UNINSTALL_KEY}" EstimatedSize $0
  ${GetTime} "" L $0 $1 $2 $3 $4 $5 $6
  WriteRegStr HKCU "${UNINSTALL_KEY}" InstallDate $2$1$0

  ; FCC itself does PATH and start at sign-in: NSIS cuts every text at 1,024
  ; characters, and a PATH may be longer.
  ${If} $Startup == 1
    StrCpy $0 " --start-at-sign-in"
  ${ElseIf} $Startup == 0
    StrCpy $0 " --no-start-at-sign-in"
  ${Else}
    StrCpy $0 ""
  ${EndIf}
  ExecWait '"$INSTDIR\fcc.exe" installation add$0' $1
  ${If} $1 <> 0
    MessageBox MB_OK|MB_ICONEXCLAMATION "${PRODUCT} is installed. Only its place on your PATH, or its start at sign-in, could not be written. Run this again to try once more." /SD IDOK
    SetErrorLevel 6
  ${EndIf}

  ${If} ${Silent}
  ${AndIf} $Stopped = 0
    Exec '"$INSTDIR\fcc.exe"'
  ${EndIf}
SectionEnd

Function un.onInit
  !insertmacro OnlyOne
  SetShellVarContext current
  ${GetParameters} $0
  ${GetOptions} $0 "/REMOVEDATA=" $RemoveData
FunctionEnd

Function un.ShowWelcome
  !insertmacro PlaceTick "Remove my data too"
  ${NSD_CreateLabel} 131u 124u 184u 30u "Disconnects from Xero, and removes the sign-in, keys, settings and log."
  Pop $0
  SetCtlColors $0 "${MUI_TEXTCOLOR}" "${MUI_BGCOLOR}"
  ${If} $RemoveData == 1
    ${NSD_Check} $Tick
  ${EndIf}
FunctionEnd

Function un.LeaveWelcome
  ${NSD_GetState} $Tick $RemoveData
FunctionEnd

; un.Erase has FCC remove what it keeps. What it could not do, it says.
Function un.Erase
  nsExec::ExecToStack '"$INSTDIR\fcc.exe" erase --yes'
  Pop $0
  Pop $1
  StrCpy $Text "What it kept of you is gone too."
  ${If} $0 != 0
    SetErrorLevel 6
    StrCpy $Text "Not all that it kept of you could be removed."
    ; nsExec takes the words for the computer's code page, and they are UTF-8.
    System::Alloc 4096
    Pop $2
    System::Call 'kernel32::WideCharToMultiByte(i 0, i 0, w r1, i -1, p r2, i 4096, p 0, p 0)'
    System::Call 'kernel32::MultiByteToWideChar(i 65001, i 0, p r2, i -1, w .r1, i ${NSIS_MAX_STRLEN})'
    System::Free $2
    MessageBox MB_OK|MB_ICONEXCLAMATION "$Text$\r$\n$\r$\n$1" /SD IDOK
  ${EndIf}
FunctionEnd

Section Uninstall
  !insertmacro StopRunning
  ${Do}
    StrCpy $3 0
    !insertmacro Count "$INSTDIR\fcc.exe" 5
    !insertmacro Count "$INSTDIR\fcc.com" 1
    !insertmacro Count "$INSTDIR\fcc.exe.old" 0
    !insertmacro Count "$INSTDIR\fcc.com.old" 0
    ${If} $3 = 0
      ${Break}
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Another program uses ${PRODUCT}. Close your assistants and terminals, then try again." /SD IDCANCEL IDRETRY again
    !insertmacro GiveUp
    again:
  ${Loop}
  StrCpy $Text "What it kept of you stays on this computer, for another time."
  ${If} $RemoveData == 1
    Call un.Erase
  ${EndIf}
  ExecWait '"$INSTDIR\fcc.exe" installation remove' $0
  ${If} $0 <> 0
    MessageBox MB_OK|MB_ICONEXCLAMATION "The program's folder could not be taken off your PATH, or out of what starts at sign-in: $INSTDIR" /SD IDOK
    SetErrorLevel 6
  ${EndIf}
  Delete "$SMPROGRAMS\${PRODUCT}.lnk"
  DeleteRegKey HKCU "${UNINSTALL_KEY}"
  Delete "$INSTDIR\*.old"
  Delete "$INSTDIR\fcc.com"
  Delete "$INSTDIR\fcc.exe"
  Delete "$INSTDIR\uninstall.exe"
  ; fyne.io/systray loads the tray's icon from a file that it leaves there. Another
  ; program that uses it writes its own anew.
  Delete "$TEMP\systray_temp_icon_*"
  SetOutPath "$TEMP" ; or the folder is in use
  RMDir "$INSTDIR"
SectionEnd
