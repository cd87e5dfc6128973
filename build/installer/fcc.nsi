; FCC-Setup.exe: installs Financial Command Center for the user who runs it.
; go run ./build package calls makensis with VERSION, NUMBERS (the version as four
; numbers), PROGRAMS (the folder of fcc.exe and fcc.com), ICON, PANEL (the picture
; beside the first and last page), OUT, and SIGN if the uninstaller is to be signed.
;
; FCC-Setup.exe [/S] [/STARTUP=1|0] [/D=FOLDER]
;   /S            silent: no window; FCC is started again if one ran
;   /STARTUP=1|0  start at sign-in, or not. Silent without it: stays as it is
;   /D=FOLDER     another folder; the last argument, without quotes. An FCC that is
;                 installed elsewhere moves there
;
; uninstall.exe [/S] [/REMOVEDATA=1] [_?=FOLDER]
;   /REMOVEDATA=1 also disconnects from Xero and removes keychain items, settings
;                 and log (fcc erase)
;   _?=FOLDER     do it in this process, and leave only uninstall.exe. Without it a
;                 copy in TEMP works on after this process has ended with 0
;
; Exit codes of both: 0 done, 1 given up by the user, 2 a file could not be written,
; 5 FCC or a program that uses it is still running: all is as it was,
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
Var Was      ; the folder where it is installed now, maybe another; else this one
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
!define MUI_PAGE_CUSTOMFUNCTION_SHOW ShowFinish
!insertmacro MUI_PAGE_FINISH

!define MUI_WELCOMEPAGE_TITLE "Remove ${PRODUCT}"
!define MUI_WELCOMEPAGE_TEXT "The program goes from this computer. Your settings and sign-in can stay for another time: then you are still signed in to Xero when you install it again."
!define MUI_PAGE_CUSTOMFUNCTION_SHOW un.ShowWelcome
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE un.LeaveWelcome
!insertmacro MUI_UNPAGE_WELCOME

!insertmacro MUI_UNPAGE_INSTFILES

!define MUI_FINISHPAGE_TITLE "${PRODUCT} is removed"
!define MUI_FINISHPAGE_TEXT "$Text"
!insertmacro MUI_UNPAGE_FINISH

!insertmacro MUI_LANGUAGE English

!include "${__FILEDIR__}/running.nsh"

!macro OnlyOne
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Local\FinancialCommandCenterSetup") p .r0 ?e'
  Pop $1
  ${If} $1 = 183 ; ERROR_ALREADY_EXISTS
    MessageBox MB_OK|MB_ICONINFORMATION "Setup is open already." /SD IDOK
    SetErrorLevel 5
    Quit
  ${EndIf}
!macroend

Function .onInit
  !insertmacro OnlyOne
  SetShellVarContext current
  ReadRegStr $Known HKCU "${UNINSTALL_KEY}" DisplayVersion
  ReadRegStr $Was HKCU "${UNINSTALL_KEY}" InstallLocation
  ${If} $Was == ""
  ${OrIfNot} ${FileExists} "$Was\fcc.exe"
    StrCpy $Was $INSTDIR
  ${EndIf}
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

; StopRunning is no part of the section: the size of its file would count there.
Function StopRunning
  !insertmacro Stop "$Was\fcc.exe"
  ${If} $Stopped <> 0 ; it may be damaged, or FCC have been started elsewhere
    InitPluginsDir
    SetOutPath "$PLUGINSDIR"
    File "${PROGRAMS}/fcc.exe"
    !insertmacro Stop "$PLUGINSDIR\fcc.exe"
    !insertmacro AwaitStopped
  ${EndIf}
FunctionEnd

Section
  Call StopRunning
  SetOutPath "$INSTDIR"
  ; Whether two names are of one folder only the system knows.
  FileOpen $0 "$INSTDIR\installing" w
  FileClose $0
  ${If} ${FileExists} "$Was\installing"
    StrCpy $Was $INSTDIR
  ${EndIf}
  Delete "$INSTDIR\installing"
  ${If} $Was != $INSTDIR
    !insertmacro AwaitUnused "$Was"
  ${EndIf}
  Delete "$INSTDIR\fcc.exe.old"
  Delete "$INSTDIR\fcc.com.old"
  !insertmacro MakeWay "$INSTDIR\fcc.exe" 5
  !insertmacro MakeWay "$INSTDIR\fcc.com" 1
  File "${PROGRAMS}/fcc.exe"
  File "${PROGRAMS}/fcc.com"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  SetOutPath "$PROFILE" ; where the shortcut and FCC start: a browser would hold $INSTDIR
  ${If} $Was != $INSTDIR
    !insertmacro RemoveFiles "$Was"
  ${EndIf}
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

  ${If} $Stopped = 0
    Exec '"$INSTDIR\fcc.exe"'
  ${EndIf}
SectionEnd

Function .onInstFailed
  !insertmacro PutBack
FunctionEnd

Function ShowFinish
  ${If} $Stopped = 0 ; it runs again
    ${NSD_Uncheck} $mui.FinishPage.Run
    ShowWindow $mui.FinishPage.Run ${SW_HIDE}
  ${EndIf}
FunctionEnd

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

; un.Erase has FCC remove what it keeps. What it could not do, it says itself.
Function un.Erase
  StrCpy $0 "--box"
  ${If} ${Silent}
    StrCpy $0 ""
  ${EndIf}
  StrCpy $1 1
  ExecWait '"$INSTDIR\fcc.exe" installation erase $0' $1
  StrCpy $Text "Your settings and sign-in are gone too."
  ${If} $1 <> 0
    SetErrorLevel 6
    StrCpy $Text "Not all of your settings and sign-in could be removed."
  ${EndIf}
FunctionEnd

Section Uninstall
  StrCpy $Was $INSTDIR
  SetOutPath "$PROFILE" ; or the folder is in use
  !insertmacro Stop "$INSTDIR\fcc.exe"
  !insertmacro AwaitStopped
  !insertmacro AwaitUnused "$INSTDIR"
  StrCpy $Text "Your settings and sign-in stay on this computer, for another time."
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
  !insertmacro RemoveFiles "$INSTDIR"
SectionEnd
