package wine

import (
	"debug/pe"
	"encoding/binary"
)

// processPrng is the bcryptprimitives.dll that Wine 8 has not: Go's runtime takes
// its random bytes from the function ProcessPrng in it, and does not start
// without. The one of advapi32 that is exported as SystemFunction036 (its documentation calls it
// RtlGenRandom) takes the same arguments and fills the buffer just so:
// learn.microsoft.com/windows/win32/api/ntsecapi/nf-ntsecapi-rtlgenrandom.
func processPrng() []byte {
	return forwarder("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
}

// forwarder makes a 64-bit DLL without a line of code, whose one function is that
// of another DLL. The loader takes an export whose address lies within the export
// directory for the name of the function meant:
// learn.microsoft.com/windows/win32/debug/pe-format#export-address-table.
func forwarder(dll, export, target string) []byte {
	const (
		fileAlign    = 0x200
		sectionAlign = 0x1000
		section      = sectionAlign // the one section, as an address in memory
		tables       = section + 40 // after the export directory, of that size
		names        = tables + 4 + 4 + 2
	)
	dllName := uint32(names)
	exportName := dllName + uint32(len(dll)+1)
	targetName := exportName + uint32(len(export)+1)
	exports := pack(
		struct {
			Characteristics, TimeDateStamp        uint32
			MajorVersion, MinorVersion            uint16
			Name, OrdinalBase                     uint32
			NumberOfFunctions, NumberOfNames      uint32
			Functions, NamePointers, NameOrdinals uint32
		}{
			Name: dllName, OrdinalBase: 1, NumberOfFunctions: 1, NumberOfNames: 1,
			Functions: tables, NamePointers: tables + 4, NameOrdinals: tables + 8,
		},
		targetName, exportName, uint16(0),
		[]byte(dll+"\x00"+export+"\x00"+target+"\x00"))
	size := uint32(len(exports))

	optional := pe.OptionalHeader64{
		Magic:            0x20b,     // 64 bits
		ImageBase:        0x1 << 32, // any: there is nothing to relocate
		SectionAlignment: sectionAlign, FileAlignment: fileAlign,
		MajorOperatingSystemVersion: 6, MajorSubsystemVersion: 6,
		SizeOfInitializedData: fileAlign, SizeOfImage: 2 * sectionAlign, SizeOfHeaders: fileAlign,
		Subsystem:           pe.IMAGE_SUBSYSTEM_WINDOWS_CUI,
		DllCharacteristics:  pe.IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE | pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
		NumberOfRvaAndSizes: 16,
	}
	optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT] = pe.DataDirectory{VirtualAddress: section, Size: size}
	const dosHeader = 64 // without its program: "MZ", and where the rest begins
	headers := pack(
		[dosHeader]byte{0: 'M', 1: 'Z', 60: dosHeader}, []byte("PE\x00\x00"),
		pe.FileHeader{
			Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1,
			SizeOfOptionalHeader: uint16(binary.Size(optional)),
			Characteristics:      pe.IMAGE_FILE_EXECUTABLE_IMAGE | pe.IMAGE_FILE_LARGE_ADDRESS_AWARE | pe.IMAGE_FILE_DLL,
		},
		optional,
		pe.SectionHeader32{
			Name: [8]uint8([]byte(".edata\x00\x00")), VirtualSize: size, VirtualAddress: section,
			SizeOfRawData: fileAlign, PointerToRawData: fileAlign,
			Characteristics: pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ,
		})
	file := make([]byte, 2*fileAlign)
	copy(file, headers)
	copy(file[fileAlign:], exports)
	return file
}

// pack writes values one behind the other, as they lie in a file of Windows.
func pack(values ...any) []byte {
	var b []byte
	for _, v := range values {
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, v); err != nil {
			panic(err) // a value without a fixed size: a mistake in this file
		}
	}
	return b
}
