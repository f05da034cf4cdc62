//! As much of Redis' protocol as a proxy has to understand: where a value ends, and what a command
//! says.

/// How many bytes the value at the start has; `None` while it is not whole.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let count = || {
        let digits = std::str::from_utf8(&bytes[1..line - 2]).expect("a length in ASCII");
        // -1 stands for "nothing", in RESP2.
        usize::try_from(digits.parse::<i64>().expect("a length")).ok()
    };
    let children = match bytes[0] {
        b'$' | b'=' | b'!' => {
            let end = count().map_or(line, |content| line + content + 2);
            return (bytes.len() >= end).then_some(end);
        }
        b'*' | b'~' | b'>' => count().unwrap_or(0),
        b'%' => 2 * count().unwrap_or(0),
        _ => 0,
    };
    let mut end = line;
    for _ in 0..children {
        end += length(&bytes[end..])?;
    }
    Some(end)
}

/// The words of a whole command: an array of bulk strings.
pub fn words(command: &[u8]) -> Vec<&[u8]> {
    let line = |bytes: &[u8]| bytes.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
    let mut rest = &command[line(command)..];
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (head, end) = (line(rest), length(rest).unwrap());
        words.push(&rest[head..end - 2]);
        rest = &rest[end..];
    }
    words
}

#[test]
fn a_value_is_whole_with_its_last_byte_and_not_before() {
    let values: [&[u8]; 5] = [
        b"+OK\r\n",
        b"$-1\r\n",
        b"*2\r\n$4\r\nPING\r\n$2\r\n\r\n\r\n",
        b"%1\r\n+a\r\n*1\r\n:7\r\n",
        b">2\r\n$1\r\nx\r\n_\r\n",
    ];
    for value in values {
        let more = [value, b"+next\r\n"].concat();
        assert_eq!(length(&more), Some(value.len()));
        for cut in 0..value.len() {
            assert_eq!(length(&value[..cut]), None, "{cut} of {value:?}");
        }
    }
    assert_eq!(words(values[2]), [&b"PING"[..], b"\r\n"]);
}
