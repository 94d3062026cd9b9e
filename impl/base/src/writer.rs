//! Bytes out.

/// Appends network-order values to the caller's buffer.
///
/// The buffer belongs to the caller and may hold earlier messages: [`Writer::len`] and
/// [`Writer::written`] speak of this writer's part alone.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Writer<'a> {
    /// Appends to `buffer`.
    pub const fn new(buffer: &'a mut Vec<u8>) -> Self {
        let start = buffer.len();
        Self { buffer, start }
    }

    /// Bytes written through this writer.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes written through this writer.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The same, to be patched.
    #[must_use]
    pub fn written_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.start..).unwrap_or_default()
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.buffer.push(value);
    }

    /// Appends two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends the three low bytes of `value`.
    pub fn u24(&mut self, value: u32) {
        let [_, a, b, c] = value.to_be_bytes();
        self.bytes(&[a, b, c]);
    }

    /// Appends four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends `bytes` as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends `count` zero bytes.
    pub fn zeros(&mut self, count: usize) {
        let length = self.buffer.len() + count;
        self.buffer.resize(length, 0);
    }

    /// Appends zero bytes until the length is a multiple of `unit`.
    pub fn pad_to(&mut self, unit: usize) {
        self.zeros(self.len().next_multiple_of(unit) - self.len());
    }

    /// Drops what was written through this writer past its first `length` bytes.
    pub fn truncate(&mut self, length: usize) {
        self.buffer.truncate(self.start + length);
    }

    /// Reserves an 8-bit length field; when the guard goes, the field counts what was written after it,
    /// cut off at 255. Callers bound what they write; the field never wraps.
    pub fn u8_length(&mut self) -> LengthGuard<'_, 'a> {
        self.length(1)
    }

    /// The same with 16 bits, cut off at 65,535.
    pub fn u16_length(&mut self) -> LengthGuard<'_, 'a> {
        self.length(2)
    }

    /// The same with 24 bits, cut off at 16,777,215.
    pub fn u24_length(&mut self) -> LengthGuard<'_, 'a> {
        self.length(3)
    }

    fn length(&mut self, width: usize) -> LengthGuard<'_, 'a> {
        let at = self.buffer.len();
        self.zeros(width);
        LengthGuard { writer: self, at, width }
    }
}

/// Fills in a length field when dropped; write through [`LengthGuard::writer`] meanwhile.
#[derive(Debug)]
pub struct LengthGuard<'w, 'a> {
    writer: &'w mut Writer<'a>,
    at: usize,
    /// Bytes of the field, 1 to 3.
    width: usize,
}

impl<'a> LengthGuard<'_, 'a> {
    /// The writer of the part that is being counted.
    pub const fn writer(&mut self) -> &mut Writer<'a> {
        self.writer
    }
}

impl Drop for LengthGuard<'_, '_> {
    fn drop(&mut self) {
        let most = (1_u32 << (8 * self.width)) - 1;
        let length = self.writer.buffer.len() - self.at - self.width;
        let bytes = u32::try_from(length).unwrap_or(most).min(most).to_be_bytes();
        let field = self.writer.buffer.iter_mut().skip(self.at).take(self.width);
        field.zip(bytes.iter().skip(bytes.len() - self.width)).for_each(|(to, from)| *to = *from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_in_network_order_after_what_was_there() {
        let mut buffer = vec![0xff];
        let mut writer = Writer::new(&mut buffer);
        writer.u8(1);
        writer.u16(2);
        writer.u24(3);
        writer.u32(4);
        writer.pad_to(4);
        assert_eq!(writer.written(), [1, 0, 2, 0, 0, 3, 0, 0, 0, 4, 0, 0]);
        assert_eq!(writer.len(), 12);
        assert_eq!(buffer.first(), Some(&0xff));
    }

    #[test]
    fn a_length_field_counts_what_follows() {
        let mut buffer = Vec::new();
        let mut writer = Writer::new(&mut buffer);
        {
            let mut part = writer.u16_length();
            part.writer().bytes(b"abc");
        }
        writer.u8(9);
        assert_eq!(buffer, [0, 3, b'a', b'b', b'c', 9]);
    }

    #[test]
    fn length_fields_of_all_widths_nest() {
        let mut buffer = Vec::new();
        let mut writer = Writer::new(&mut buffer);
        {
            let mut outer = writer.u24_length();
            let mut inner = outer.writer().u8_length();
            inner.writer().zeros(2);
        }
        assert_eq!(buffer, [0, 0, 3, 2, 0, 0]);
    }

    #[test]
    fn a_length_field_never_wraps() {
        let mut buffer = Vec::new();
        Writer::new(&mut buffer).u8_length().writer().zeros(256);
        assert_eq!(buffer.first(), Some(&0xff));
    }
}
